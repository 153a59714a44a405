//! What stands where in the data directory.

/// The embedded log.
pub(crate) const LOG_FOLDER: &str = "log";
/// A log that is being imported, until it is whole.
pub(crate) const IMPORT_FOLDER: &str = "log-importing";
/// Snapshots of the state.
pub(crate) const SNAPSHOT_FOLDER: &str = "snapshots";
/// The history's index, made anew from the log when it is lost.
pub(crate) const HISTORY_FOLDER: &str = "history";
/// Which mails were sent and are to be, on a node without a fleet.
pub(crate) const MAIL_FOLDER: &str = "mail";
/// What requests used, added up for bills. Only what the usage streams still hold can
/// be added up again.
pub(crate) const USAGE_FOLDER: &str = "usage";
/// What requests used, until it is handed on.
pub(crate) const SPOOL_FOLDER: &str = "usage_spool";
/// Failed log-ins and refused writes.
pub(crate) const ACCESS_LOG_FOLDER: &str = "access_log";
/// The master key that standalone draws.
pub(crate) const MASTER_KEY_FILE: &str = "master.key";
/// The owner key that the first start draws.
pub(crate) const OWNER_KEY_FILE: &str = "owner.key";
/// Which keys sleep, on a node without a fleet.
pub(crate) const SLEEPS_FILE: &str = "sleeps";

/// Which provider key made what.
pub(crate) const MADE_FILE: &str = "made";

/// Batches and responses in the background that are not billed yet.
pub(crate) const JOBS_FILE: &str = "jobs";
