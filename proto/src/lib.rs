//! The vocabulary of Foldgate: ids, resources, events, the record envelope and
//! its codec, the reports nodes send each other, and the names of streams and
//! subjects. Plain data: no I/O, no clock, no randomness.

pub mod account;
pub mod admin_key;
pub mod caller_key;
pub mod config;
pub mod counts;
pub mod definition;
pub mod event;
pub mod id;
pub mod job;
pub mod key;
pub mod made;
pub mod money;
pub mod names;
pub mod news;
pub mod purse;
pub mod rare;
pub mod record;
pub mod report;
pub mod resource;
pub mod secret;
pub mod time;
pub mod usage;

pub use account::{Account, Credit, List, Profile};
pub use admin_key::{AdminKey, AdminRole};
pub use caller_key::{CallerKey, KeyHash, KeyTerms, PreviousHash};
pub use config::{Config, ConfigKey, ModelLimit};
pub use counts::{Count, Counts, LimitId};
pub use definition::{Definition, DefinitionKind, JsonText, Secrets};
pub use event::Event;
pub use id::{
    AccountId, AccountNumber, AdminKeyId, AdminKeyNumber, CallerKeyId, CallerKeyNumber,
    DefinitionId, DefinitionNumber, KeyId, KeyNumber, Level, LogId, NewsId, NewsNumber, OwnerId,
    RecordHash, RecordId, Revision,
};
pub use job::{Job, JobKind, job_name};
pub use key::{Dialect, Disablement, ProviderConfig, ProviderKey, ProviderType};
pub use made::{Made, MadeReport, MadeWord};
pub use money::{NanoDollars, Rates};
pub use news::{News, NewsTarget};
pub use purse::Purses;
pub use rare::{Blank, Rare};
pub use record::{Actor, ActorKind, DecodeError, EncodeError, Encoded, Idempotency, Record};
pub use report::{Generation, Heartbeat, Role, SleepCause, SleepReport};
pub use resource::{Change, OwnerProfile, Resource, ResourceId};
pub use secret::{MaskedSecret, Sealed};
pub use time::Timestamp;
pub use usage::{Measure, PriceVersion, Quantities, UsageBatch, UsageRecord};
