//! The vocabulary of Foldgate: ids, resources, events, the record envelope and
//! its codec, the reports nodes send each other, and the names of streams and
//! subjects. Plain data: no I/O, no clock, no randomness.

pub mod config;
pub mod event;
pub mod id;
pub mod key;
pub mod names;
pub mod news;
pub mod record;
pub mod report;
pub mod secret;
pub mod time;

pub use config::{Config, ConfigKey, ModelLimit};
pub use event::Event;
pub use id::{
    AccountNumber, KeyId, KeyNumber, Level, LogId, NewsId, NewsNumber, OwnerId, RecordHash,
    RecordId, Revision,
};
pub use key::{Disablement, ProviderConfig, ProviderKey, ProviderType};
pub use news::{News, NewsTarget};
pub use record::{Actor, ActorKind, DecodeError, EncodeError, Encoded, Idempotency, Record};
pub use report::{Generation, Heartbeat, Role, SleepCause, SleepReport};
pub use secret::{MaskedSecret, Sealed};
pub use time::Timestamp;
