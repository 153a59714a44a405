//! The rules of Foldgate, pure: what may be decided, how events fold into
//! state, how a request finds its key, when a key sleeps. No I/O, no clock, no
//! randomness, no async: time, ids and chance are arguments.

pub mod acl;
pub mod balance;
pub mod bounds;
pub mod catalogue;
pub mod command;
pub mod config_text;
pub mod decide;
pub mod definition;
pub mod failure;
pub mod hint;
pub mod history;
pub mod kept;
pub mod limits;
pub mod money;
pub mod one_line;
pub mod pattern;
pub mod pool;
pub mod price;
pub mod pricing;
pub mod provider;
pub mod rejection;
pub mod routing;
pub mod sleep;
pub mod state;
pub mod table;
#[cfg(feature = "testing")]
pub mod testing;
pub mod upstream_url;
pub mod zone;

pub use bounds::Bounds;
pub use command::{Command, Context};
pub use decide::{Decision, decide};
pub use rejection::{Kind, Rejection};
pub use state::people::{folded, is_same};
pub use state::{FOLD_VERSION, OwnerState, State};
pub use table::{
    Access, Admin, Bound, Caller, Denied, Destination, Leg, Limited, NoRoute, OwnerTable, Route,
    Table, Whose,
};
