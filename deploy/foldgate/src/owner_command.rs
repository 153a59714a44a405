//! `foldgate owner create`: one more tenant, by a running process or in the data
//! directory of one that is stopped.

use std::sync::Arc;
use std::time::Duration;

use foldgate_control_plane::bootstrap::{self, Added, Error};
use foldgate_log::{Embedded, EventLog, Replica, replica};
use foldgate_runtime::{DataDir, Settings};
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use crate::exit::Failure;
use crate::history::Remote;
use crate::storage::LOG_FOLDER;

/// How long the log may take to be read to its end.
const PATIENCE: Duration = Duration::from_mins(1);

/// Makes an owner and prints its key, which is shown nowhere else.
///
/// # Errors
/// Settings that lead nowhere; what the process or the log refused.
pub(crate) async fn create(settings: &Settings, name: &str, json: bool) -> Result<(), Failure> {
    let name = name.trim();
    let made = match settings.admin_url.as_str() {
        "" => offline(settings, name).await?,
        _ => online(settings, name).await?,
    };
    if json {
        println!("{made}");
        return Ok(());
    }
    let text = |field: &str| made[field].as_str().unwrap_or_default();
    println!(
        "owner {:?} made, account {}\n\nIts key, shown this once:\n\n  {}",
        text("name"),
        made["account"],
        text("key")
    );
    Ok(())
}

async fn online(settings: &Settings, name: &str) -> Result<Value, Failure> {
    let body = json!({"name": name});
    let made = Remote::named(settings)?
        .post("/admin/v1/owners", &body)
        .await?;
    let fields = ["id", "name", "account", "key"];
    let fields = fields.map(|field| (field.to_owned(), made[field].clone()));
    Ok(Value::Object(fields.into_iter().collect()))
}

async fn offline(settings: &Settings, name: &str) -> Result<Value, Failure> {
    if !settings.nats.url.is_empty() {
        return Err(Failure::usage(
            "the log is on NATS: name a running control plane in FOLDGATE_ADMIN_URL",
        ));
    }
    let folder = settings.data_dir.join(LOG_FOLDER);
    if !folder.is_dir() {
        return Err(Failure::usage(format!(
            "there is no log in {}: name another directory in FOLDGATE_DATA_DIR, or a running \
             process in FOLDGATE_ADMIN_URL",
            settings.data_dir.display()
        )));
    }
    // Held to the end: no other process may write meanwhile.
    let _data = DataDir::open(&settings.data_dir)?;
    let log: Arc<dyn EventLog> = Arc::new(Embedded::open(&folder).await?);
    let replica = Replica::start(Arc::clone(&log), replica::Options::default()).await?;
    let added = bootstrap::add_owner(&log, &replica, name, PATIENCE).await;
    replica.stop().await;
    let Added {
        owner,
        account,
        key,
    } = added.map_err(|error| match error {
        Error::Refused(_) => Failure::usage(error),
        other => Failure::io(other),
    })?;
    Ok(json!({
        "id": owner.to_string(),
        "name": name,
        "account": account.0,
        "key": key.expose_secret(),
    }))
}
