//! Days of the simulated exchange, as bytes and as the exchange itself has them.

use exchange::{Settings, SettingsError, Simulation};
use feed_handlers::itch50::Encoder;

/// A whole day.
pub struct Day {
    /// Its messages as BinaryFILE, without an end mark.
    pub bytes: Vec<u8>,
    /// The exchange at the end of it.
    pub simulation: Simulation,
}

/// Simulates a whole day.
///
/// # Errors
/// A setting is out of its range.
pub fn day(settings: &Settings) -> Result<Day, SettingsError> {
    let mut simulation = Simulation::new(settings)?;
    let mut encoder = Encoder::new();
    while simulation.advance(&mut encoder) {}
    Ok(Day { bytes: encoder.into_bytes(), simulation })
}
