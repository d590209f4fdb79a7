//! A cursor that is synced at each move: after a loss of power it stands where it was moved to last, or
//! where it was being moved to.

use engine::log::reader::FramePosition;
use engine::log::storage::Storage;
use engine::log::storage::fault::power::Seeded;
use engine::log::storage::fault::{FaultPlan, FaultStorage};
use engine::log::{SegmentNumber, SessionId};
use engine::output::cursor::{Cursor, CursorName, CursorPlace, CursorState, CursorSync, read};

use crate::power_loss::{Outcome, Seed, Workload};

const SESSION: SessionId = SessionId(*b"cursors of power");

/// See the module.
#[derive(Clone, Copy, Debug)]
pub struct CursorWork;

/// Where the cursor certainly was, and where it may be.
#[derive(Clone, Copy, Debug, Default)]
pub struct Moved {
    durable: u64,
    attempted: u64,
    failed: bool,
}

fn name() -> Result<CursorName, String> {
    CursorName::new("bars.csv").map_err(|error| error.to_string())
}

fn place(number: u64) -> CursorPlace {
    let next = FramePosition { segment: SegmentNumber(number), offset_bytes: 128, ordinal: 0 };
    CursorPlace { next, own: [number * 3, !number] }
}

impl Workload for CursorWork {
    type Written = Moved;

    fn name(&self) -> String {
        String::from("cursor")
    }

    fn write(&self, seed: &mut Seed, disk: &FaultStorage) -> Result<(Moved, FaultStorage), String> {
        let mut moved = Moved::default();
        let opened = Cursor::open(disk, &name()?, SESSION, CursorSync::Always);
        let (mut cursor, _) = opened.map_err(|error| error.to_string())?;
        if seed.happens(30) {
            let one_in = 3 + seed.random.below(20);
            let plan = FaultPlan::default().with_random(seed.number, one_in).with_torn_writes();
            disk.set_plan(plan);
        }
        for number in 1..=seed.random.below(12) {
            moved.attempted = number;
            if seed.happens(30) {
                let fates = &mut Seeded::new(seed.random.next_u64());
                disk.write_back(fates).map_err(|error| error.to_string())?;
            }
            match cursor.update(&place(number)) {
                Ok(()) => moved.durable = number,
                Err(_) => {
                    moved.failed = true;
                    break;
                }
            }
        }
        let left = disk.after_power_loss(&mut Seeded::new(seed.random.next_u64()));
        Ok((moved, left.map_err(|error| error.to_string())?))
    }

    fn check<S, W>(
        &self,
        _seed: &mut Seed,
        moved: Moved,
        left: FaultStorage,
        wrap: W,
    ) -> Result<Outcome, String>
    where
        S: Storage + Clone + 'static,
        S::File: 'static,
        W: Fn(FaultStorage) -> S,
    {
        let state = read(&wrap(left), &name()?, SESSION).map_err(|error| error.to_string())?;
        let CursorState::Valid(found) = state else {
            return Err(format!("{state:?}, and it was at {}", moved.durable));
        };
        let number = found.next.segment.0;
        let expected = if number == 0 { CursorPlace::START } else { place(number) };
        if found != expected || !(moved.durable..=moved.attempted).contains(&number) {
            return Err(format!("{found:?}, and it was at {moved:?}"));
        }
        let lost = u64::from(number < moved.attempted);
        Ok(Outcome { lost, failed: u64::from(moved.failed), ..Outcome::default() })
    }
}
