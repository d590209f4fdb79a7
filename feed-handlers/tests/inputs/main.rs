//! Inputs as a replay opens them: recorded files, compressed copies, captures made by hand, damage.

mod captures;
mod compressed;
mod feed;
mod recorded;
mod torn;
