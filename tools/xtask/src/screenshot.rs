//! `cargo xtask screenshot`: what `tapewatch top` shows on a terminal of 80 by 24, as text.
//!
//! A simulated exchange publishes a day on two lossy lines of loopback, an engine listens, and `top` runs
//! in a terminal of its own (tmux), which is captured once it shows books and lines. All three
//! are ended by this command, whatever happens.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::steps::{Failure, cargo, output, program, say, step, tell};
use crate::{debian, markers, paths};

/// Longest wait for the screen to show what is wanted.
const PATIENCE: Duration = Duration::from_secs(60);

/// How long the engine has run when the screen is taken, so that there are rates.
const WARM: Duration = Duration::from_secs(8);

/// Runs the command; `--write` puts the screen into the README.
///
/// # Errors
/// Something cannot be started, or the screen never shows what is wanted.
pub(crate) fn run(arguments: &[&str]) -> Result<(), Failure> {
    let writes = match arguments {
        [] => false,
        ["--write"] => true,
        other => return Err(Failure::Usage(format!("screenshot takes --write, not {other:?}"))),
    };
    debian::ensure_by("tmux", "-V")?;
    step("build", cargo(["build", "--release", "-p", "tapewatch"]))?;
    let scratch = Scratch::new()?;
    let screen = taken(&scratch)?;
    let section = format!("```text\n{}\n```", screen.trim_end());
    say(&section);
    if writes {
        let readme = paths::root().join("README.md");
        let failed = |error| Failure::of("README.md", error);
        let text = fs::read_to_string(&readme).map_err(failed)?;
        let text = markers::put(&text, "screen", "top", &section)
            .ok_or_else(|| Failure::of("README.md", "no markers for the screen in it"))?;
        fs::write(&readme, text).map_err(failed)?;
    }
    Ok(())
}

/// The screen, once it shows what is wanted.
fn taken(scratch: &Scratch) -> Result<String, Failure> {
    let session = scratch.path("session");
    fs::write(scratch.path("tapewatch.toml"), CONFIG)
        .map_err(|error| Failure::of("configuration", error))?;
    let _exchange = Ended::start(scratch, EXCHANGE)?;
    let _engine = Ended::start(
        scratch,
        &format!(
            "run -c {} --date 2025-06-02 --session {} --quiet",
            scratch.path("tapewatch.toml").display(),
            session.display()
        ),
    )?;
    // Where the directory would be told on the screen, it is nobody's business.
    let terminal = Terminal::open(scratch)?;
    let begun = Instant::now();
    tell("── waiting for the screen");
    while begun.elapsed() < PATIENCE {
        let screen = terminal.capture()?;
        if begun.elapsed() > WARM && ["MSGS/S", "sim/A"].iter().all(|part| screen.contains(part)) {
            terminal.key("q")?;
            return Ok(screen);
        }
        thread::sleep(Duration::from_millis(100));
    }
    Err(Failure::of("screenshot", format_args!("the screen shows:\n{}", terminal.capture()?)))
}

/// Two lines, and the servers that make good for what they lose.
const CONFIG: &str = "\
[threads]
receive = \"busy-poll\"

[[feeds]]
name = \"sim\"
lines = [\"239.192.12.77:26577\", \"239.192.12.78:26577\"]
interface = \"127.0.0.1\"
start = \"beginning\"
retransmission = [\"127.0.0.1:26578\"]
snapshot = \"127.0.0.1:26579\"
";

/// A day that lasts longer than the picture takes.
const EXCHANGE: &str = "simulate --publish --seed 3 --symbols 200 --rate 100000 --messages 20000000 \
    --loss-a 2% --loss-b 2% --reorder-a 1% --line-a 239.192.12.77:26577 --line-b 239.192.12.78:26577 \
    --retransmit 127.0.0.1:26578 --glimpse 127.0.0.1:26579 --quiet";

/// A folder that goes with its owner.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Result<Scratch, Failure> {
        let path =
            std::env::temp_dir().join(format!("tapewatch-screenshot-{}", std::process::id()));
        fs::create_dir_all(&path).map_err(|error| Failure::of("a folder", error))?;
        Ok(Scratch(path))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn binary() -> PathBuf {
    paths::target().join("release/tapewatch")
}

/// A run of the binary, ended in order by its own number when this goes.
struct Ended(Child);

impl Ended {
    fn start(scratch: &Scratch, line: &str) -> Result<Ended, Failure> {
        let mut command = Command::new(binary());
        command.args(line.split_whitespace()).current_dir(&scratch.0);
        command.stdin(Stdio::null()).stdout(Stdio::null());
        command.spawn().map(Ended).map_err(|error| Failure::of(line, error))
    }
}

impl Drop for Ended {
    fn drop(&mut self) {
        // An engine that is asked to end removes what it has in memory; a second one is not waited for.
        let _ = program("kill", ["-INT", &self.0.id().to_string()]).status();
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_secs(10) {
            if !matches!(self.0.try_wait(), Ok(None)) {
                return;
            }
            thread::sleep(Duration::from_millis(50));
        }
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A terminal of 80 by 24 with `top` in it; a server of its own, so that nobody else's is touched.
struct Terminal {
    socket: PathBuf,
}

impl Terminal {
    fn open(scratch: &Scratch) -> Result<Terminal, Failure> {
        let terminal = Terminal { socket: scratch.path("tmux") };
        let top = format!("{} top {}", binary().display(), scratch.path("session").display());
        // The board may not be there yet: it is tried again until it is.
        let line = format!("until {top}; do sleep 0.2; done");
        let open = ["new-session", "-d", "-x", "80", "-y", "24", &line];
        output("tmux", terminal.command(&open))?;
        Ok(terminal)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = program("tmux", [Path::new("-S"), &self.socket]);
        command.args(arguments);
        command
    }

    fn capture(&self) -> Result<String, Failure> {
        output("tmux", self.command(&["capture-pane", "-p"]))
    }

    fn key(&self, key: &str) -> Result<(), Failure> {
        output("tmux", self.command(&["send-keys", key])).map(drop)
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let mut end = self.command(&["kill-server"]);
        let _ = end.stdout(Stdio::null()).stderr(Stdio::null()).status();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_readme_has_the_markers_of_the_screen() {
        let readme = fs::read_to_string(paths::root().join("README.md")).unwrap();
        assert!(markers::put(&readme, "screen", "top", "").is_some());
    }
}
