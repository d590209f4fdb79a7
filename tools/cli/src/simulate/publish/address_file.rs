//! Where the exchange is, for programs that wait for it: a JSON file that appears whole, by rename.

use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::path::Path;

use exchange::wire::Addresses;
use feed_handlers::moldudp64::SessionId;
use serde_json::{Value, json};

use crate::exit::Failure;

/// The addresses, for people.
pub(super) fn line(addresses: &Addresses) -> String {
    let Addresses { lines: [a, b], retransmit, glimpse, soup } = addresses;
    let mut line = format!("line A {a}, line B {b}");
    for (name, at) in [("retransmission", retransmit), ("snapshots", glimpse), ("SoupBinTCP", soup)]
    {
        if let Some(at) = at {
            line += &format!(", {name} {at}");
        }
    }
    line
}

/// The addresses, for programs; `null` for a server that is not there.
pub(super) fn json(addresses: &Addresses, session: SessionId) -> Value {
    let text = |at: Option<SocketAddr>| at.map(|at| at.to_string());
    json!({
        "session": session.to_string(),
        "lines": addresses.lines.map(|line| line.to_string()),
        "retransmit": text(addresses.retransmit),
        "glimpse": text(addresses.glimpse),
        "soup": text(addresses.soup),
    })
}

/// Writes the file.
pub(super) fn write(path: &Path, addresses: &Addresses, session: SessionId) -> Result<(), Failure> {
    let text = format!("{:#}\n", json(addresses, session));
    renamed(path, text.as_bytes()).map_err(|error| {
        let line =
            format_args!("cannot write {}: {error}; give another --addresses", path.display());
        Failure::of_making(&error, line)
    })
}

fn renamed(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let mut file = tempfile::NamedTempFile::new_in(parent.unwrap_or(Path::new(".")))?;
    file.write_all(bytes)?;
    file.persist(path)?;
    Ok(())
}
