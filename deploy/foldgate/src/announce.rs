//! What a person at the terminal is told at the start.

use std::fmt::Write;
use std::path::Path;

use foldgate_runtime::data_dir::Listeners;
use secrecy::{ExposeSecret, SecretString};

use crate::base::VERSION;

/// Where everything listens.
pub(crate) fn addresses(listeners: &Listeners) -> String {
    let mut text = format!("Foldgate {VERSION} is running.\n\n");
    for (name, address) in [
        ("proxy ", listeners.proxy),
        ("admin ", listeners.admin),
        ("status", listeners.status),
    ] {
        if let Some(address) = address {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "  {name}  http://{address}");
        }
    }
    text
}

/// Where the owner key of an earlier start is.
pub(crate) fn kept(file: &Path) -> String {
    format!("\nThe owner key is in {}.\n", file.display())
}

/// A key in the file that opens nothing any more.
pub(crate) fn outdated(file: &Path) -> String {
    format!(
        "\nThe owner key in {} was rotated elsewhere and opens nothing any more.\n",
        file.display()
    )
}

/// The owner key, and where to go from here.
pub(crate) fn first_start(file: &Path, key: &SecretString, listeners: &Listeners) -> String {
    let file = file.display();
    let mut text = format!(
        "\nThe owner key, shown this once (it is kept in {file}):\n\n  {}\n\nNext steps:\n\n",
        key.expose_secret()
    );
    let _ = writeln!(text, "  export OWNER_KEY=$(cat {file})");
    text.push_str(&next_steps(listeners));
    text
}

/// Curl lines that add an upstream key and send a chat.
pub(crate) fn next_steps(listeners: &Listeners) -> String {
    let shown = |address: Option<std::net::SocketAddr>| {
        address.map_or_else(|| "ADDRESS".to_owned(), |address| address.to_string())
    };
    let (admin, proxy) = (shown(listeners.admin), shown(listeners.proxy));
    format!(
        r#"  curl -sS http://{admin}/x-keys -H "Authorization: Bearer $OWNER_KEY" -H 'Content-Type: application/json' \
    -d '{{"SecretKey": "'"$OPENAI_API_KEY"'", "Name": "OpenAI", "Level": 1, "Provider": "https://api.openai.com"}}'
  curl -sSN http://{proxy}/v1/chat/completions -H "Authorization: Bearer $OWNER_KEY" -H 'Content-Type: application/json' \
    -d '{{"model": "gpt-4o-mini", "stream": true, "messages": [{{"role": "user", "content": "Say hello"}}]}}'
"#
    )
}
