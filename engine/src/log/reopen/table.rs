//! The decision table of recovery.
//!
//! Each segment is looked at from the oldest on. What is seen of it is put into six words, and the
//! first row of this table that has them says what becomes of it; a dash stands for any word. The table
//! is [`ROWS`], printed; a test holds one to the other.
//!
//! | row | header | frames | sealed | successor | power | other copy | action | a crash that leaves it |
//! |---|---|---|---|---|---|---|---|---|
//! | 1 | – | – | – | – | – | better | take | killed with 9 MB appended in memory, of which 8 MB were carried to disk |
//! | 2 | good | good | yes | – | – | – | keep | killed long after the segment was sealed |
//! | 3 | good | good | no | – | – | – | seal | killed behind the `Roll`, before the keeper came |
//! | 4 | good | torn | no | no | kept | – | cut | killed half way through a frame |
//! | 5 | good | torn | no | no | lost | – | cut | power cut; the last pages had not been written back |
//! | 6 | good | stale | no | no | kept | – | remove | killed with two segments prepared |
//! | 7 | good | stale | no | no | lost | – | remove | power cut with two segments prepared |
//! | 8 | good | torn | – | – | lost | – | cut | power cut; the next segment's pages were written back before this one's last |
//! | 9 | good | corrupt | – | – | lost | – | cut | power cut; a page in the middle was missing when those behind it were on disk |
//! | 10 | good | stale | – | – | lost | – | cut | power cut; none of this segment's pages was on disk, and some of the next one's |
//! | 11 | bad | – | – | – | lost | – | cut | power cut in the middle of the header's sector |
//! | 12 | absent | – | – | – | lost | – | cut | power cut before the header's page or its name |
//! | 13 | good | torn | – | – | before | – | refuse | no crash: what `fdatasync` had made durable is gone, the disk has lost it |
//! | 14 | good | torn | – | – | kept | – | refuse | no crash: the end of a segment was overwritten with zeros, and the next one has frames |
//! | 15 | good | corrupt | – | – | before | – | refuse | no crash: a bit flipped in what was durable |
//! | 16 | good | corrupt | – | – | kept | – | refuse | no crash: a byte was changed, and the machine has not stopped since |
//! | 17 | good | stale | – | – | – | – | refuse | no crash: a segment was emptied, or a file of another process put in its place |
//! | 18 | bad | – | – | – | – | – | refuse | no crash: a byte of the header was changed |
//! | 19 | absent | – | – | – | – | – | refuse | no crash: a segment was removed by hand |
//!
//! The words:
//!
//! - **header**: `good`, `bad` (a byte of it was changed, or it is no header) or `absent` (the file is
//!   missing, or begins with zeros).
//! - **frames**: `good` (whole, and the last one closes the segment), `torn` (whole as far as they go,
//!   then zeros or an unfinished one), `corrupt` (one that is not whole before others that are, or
//!   anything else that no killed writer leaves) or `stale` (none of this segment's own: it is as it was
//!   prepared, or holds what its memory held before).
//! - **sealed**: whether a seal ends the file. **successor**: whether a later segment has frames.
//! - **power**: `before` (the frames end before the durable mark), `kept` (behind it, and the
//!   machine has not stopped since) or `lost` (behind it, and the machine has: any sector may be missing).
//! - **other copy**: `better` if the segment stands in memory, too, and goes further there or is whole
//!   only there. That copy is looked at next, as if it stood alone.
//!
//! The actions: `keep` it as it is; `seal` it where it ends; `cut` the log behind the last whole frame
//! and seal what is left, all that lies behind is dropped and counted; `remove` it, no frame was written to it;
//! `take` the other copy; `refuse` to go on, with the place, and change nothing.

/// What stands where the header should.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Header {
    Good,
    Bad,
    Absent,
}

/// What the frames are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Frames {
    Good,
    Torn,
    Corrupt,
    Stale,
}

/// What a loss of power may have done where the frames end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Power {
    Before,
    Kept,
    Lost,
}

/// What becomes of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Action {
    Keep,
    Seal,
    Cut,
    Remove,
    Take,
    Refuse,
}

/// What is seen of a segment. See the module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sight {
    pub(super) header: Header,
    pub(super) frames: Frames,
    pub(super) sealed: bool,
    pub(super) successor: bool,
    pub(super) power: Power,
    pub(super) other_is_better: bool,
}

/// A row: what it asks for, `None` for anything.
pub(super) struct Row {
    pub(super) header: Option<Header>,
    pub(super) frames: Option<Frames>,
    pub(super) sealed: Option<bool>,
    pub(super) successor: Option<bool>,
    pub(super) power: Option<Power>,
    pub(super) other_is_better: Option<bool>,
    pub(super) action: Action,
    /// A crash that leaves it.
    #[cfg_attr(not(test), expect(dead_code, reason = "printed above, and held to that"))]
    pub(super) example: &'static str,
}

impl Row {
    /// A row for segments whose only copy, or better one, is looked at.
    const fn of(
        header: Header,
        frames: Option<Frames>,
        power: Option<Power>,
        action: Action,
        example: &'static str,
    ) -> Row {
        let (sealed, successor, other_is_better) = (None, None, None);
        let header = Some(header);
        Row { header, frames, sealed, successor, power, other_is_better, action, example }
    }

    const fn sealed(self, sealed: bool) -> Row {
        Row { sealed: Some(sealed), ..self }
    }

    /// An open segment that nothing follows.
    const fn last(self) -> Row {
        Row { sealed: Some(false), successor: Some(false), ..self }
    }

    fn is_of(&self, sight: &Sight) -> bool {
        self.header.is_none_or(|header| header == sight.header)
            && self.frames.is_none_or(|frames| frames == sight.frames)
            && self.sealed.is_none_or(|sealed| sealed == sight.sealed)
            && self.successor.is_none_or(|successor| successor == sight.successor)
            && self.power.is_none_or(|power| power == sight.power)
            && self.other_is_better.is_none_or(|better| better == sight.other_is_better)
    }
}

/// The table. See the module.
pub(super) const ROWS: [Row; 19] = {
    use Action::{Cut, Keep, Refuse, Remove, Seal, Take};
    use Frames::{Corrupt, Good, Stale, Torn};
    use Header::{Absent, Bad};
    use Power::{Before, Kept, Lost};
    const GOOD: Header = Header::Good;
    [
        Row {
            header: None,
            frames: None,
            sealed: None,
            successor: None,
            power: None,
            other_is_better: Some(true),
            action: Take,
            example: "killed with 9 MB appended in memory, of which 8 MB were carried to disk",
        },
        Row::of(GOOD, Some(Good), None, Keep, "killed long after the segment was sealed")
            .sealed(true),
        Row::of(GOOD, Some(Good), None, Seal, "killed behind the `Roll`, before the keeper came")
            .sealed(false),
        Row::of(GOOD, Some(Torn), Some(Kept), Cut, "killed half way through a frame").last(),
        Row::of(
            GOOD,
            Some(Torn),
            Some(Lost),
            Cut,
            "power cut; the last pages had not been written back",
        )
        .last(),
        Row::of(GOOD, Some(Stale), Some(Kept), Remove, "killed with two segments prepared").last(),
        Row::of(GOOD, Some(Stale), Some(Lost), Remove, "power cut with two segments prepared")
            .last(),
        Row::of(
            GOOD,
            Some(Torn),
            Some(Lost),
            Cut,
            "power cut; the next segment's pages were written back before this one's last",
        ),
        Row::of(
            GOOD,
            Some(Corrupt),
            Some(Lost),
            Cut,
            "power cut; a page in the middle was missing when those behind it were on disk",
        ),
        Row::of(
            GOOD,
            Some(Stale),
            Some(Lost),
            Cut,
            "power cut; none of this segment's pages was on disk, and some of the next one's",
        ),
        Row::of(Bad, None, Some(Lost), Cut, "power cut in the middle of the header's sector"),
        Row::of(Absent, None, Some(Lost), Cut, "power cut before the header's page or its name"),
        Row::of(
            GOOD,
            Some(Torn),
            Some(Before),
            Refuse,
            "no crash: what `fdatasync` had made durable is gone, the disk has lost it",
        ),
        Row::of(
            GOOD,
            Some(Torn),
            Some(Kept),
            Refuse,
            "no crash: the end of a segment was overwritten with zeros, and the next one has frames",
        ),
        Row::of(
            GOOD,
            Some(Corrupt),
            Some(Before),
            Refuse,
            "no crash: a bit flipped in what was durable",
        ),
        Row::of(
            GOOD,
            Some(Corrupt),
            Some(Kept),
            Refuse,
            "no crash: a byte was changed, and the machine has not stopped since",
        ),
        Row::of(
            GOOD,
            Some(Stale),
            None,
            Refuse,
            "no crash: a segment was emptied, or a file of another process put in its place",
        ),
        Row::of(Bad, None, None, Refuse, "no crash: a byte of the header was changed"),
        Row::of(Absent, None, None, Refuse, "no crash: a segment was removed by hand"),
    ]
};

/// The number, from 1, and the row that decides. Every sight has one: a test goes through all.
pub(super) fn decide(sight: &Sight) -> (usize, &'static Row) {
    let rows: &'static [Row] = const { &ROWS };
    let found = (1..).zip(rows).find(|(_, row)| row.is_of(sight));
    found.expect("Invariant: the table has a row for everything that can be seen")
}
