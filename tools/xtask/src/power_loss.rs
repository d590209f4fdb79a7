//! `cargo xtask power-loss`: losses of power by seed, as many as wanted.
//!
//! The rig is `tests/src/power_loss`, which a test runs for some thousand seeds; here its program is
//! built with optimisation.

use crate::steps::{Failure, cargo, step};

/// Runs the command.
pub(crate) fn run(arguments: &[&str]) -> Result<(), Failure> {
    let are_numbers = arguments.chunks(2).all(
        |pair| matches!(pair, ["--seeds" | "--from", number] if number.parse::<u64>().is_ok()),
    );
    if !are_numbers {
        let what = format!("power-loss takes --seeds N and --from N, not {arguments:?}");
        return Err(Failure::Usage(what));
    }
    let mut losses = cargo(["run", "--profile", "hash-check", "--quiet", "-p", "tapewatch-tests"]);
    losses.args(["--bin", "power-loss", "--"]).args(arguments);
    step("losses of power", losses)?;
    Ok(())
}
