//! The securities of a day: who they are in the directory, how busy, how wide and how restless they are.
//!
//! Made once, at the start, from the seed; nobody changes it after. Activity falls with rank by a power
//! law (Zipf–Mandelbrot, exponent 1), spreads and patience rise with it. Some ranks have a part to play
//! whatever the seed, so that a day has what real days have now and then: see [`Role`].

use feed_handlers::itch50::{DirectoryEntry, Stock};

use crate::matching::Listing;
use crate::random::Random;

/// What a security is there for besides trading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// Nothing else.
    Ordinary,
    /// News moves it past its price band, and it is paused.
    Surprise,
    /// It is halted for news.
    News,
    /// Another market halts it.
    OperationalHalt,
    /// It is listed anew and released in the morning.
    NewListing,
    /// Its price is below a dollar, its tick 1e-4.
    Penny,
    /// Its price is above 1,000 dollars.
    Expensive,
    /// The busiest of all, priced as the stock that it is compared with.
    Leader,
}

/// See the module. Prices are in 1e-4 dollars.
#[derive(Clone, Debug)]
pub(crate) struct Security {
    /// What the matching engine knows of it.
    pub(crate) listing: Listing,
    /// Its entry in the directory.
    pub(crate) entry: DirectoryEntry,
    /// Its part.
    pub(crate) role: Role,
    /// Share of arrivals, among the sum of all weights.
    pub(crate) weight: u64,
    /// Half of the spread that makers quote, 1e-4 dollars × 2^8.
    pub(crate) half_spread_q8: u64,
    /// The step in which distances are thought of, 1e-4 dollars: a tick, or a quarter of the spread that
    /// makers quote where that is wider.
    pub(crate) step_e4: u32,
    /// Standard deviation of its fundamental value over a second, 1e-4 dollars × 2^20.
    pub(crate) sigma_q20: i64,
    /// Chances in 10,000 that an order near the best lives less than two seconds.
    pub(crate) haste: u32,
    /// How many makers quote it.
    pub(crate) makers: u8,
}

/// Fewest securities with which every role is cast.
pub(crate) const ROLES_SYMBOLS_MIN: u16 = 8;

fn role(rank: u16, symbols: u16) -> Role {
    if symbols < ROLES_SYMBOLS_MIN {
        return if rank == 0 { Role::Surprise } else { Role::Ordinary };
    }
    match rank {
        0 => Role::Leader,
        1 => Role::Surprise,
        2 => Role::OperationalHalt,
        3 => Role::News,
        4 => Role::Expensive,
        5 => Role::Penny,
        rank if rank + 1 == symbols => Role::NewListing,
        _ => Role::Ordinary,
    }
}

/// All securities, by locate − 1.
#[must_use]
pub(crate) fn securities(seed: u64, symbols: u16) -> Vec<Security> {
    let mut random = Random::new(seed, 1);
    let mut ranks: Vec<u16> = (0..symbols).collect();
    // Fisher and Yates: locates are dealt by name, not by activity.
    for at in (1..ranks.len()).rev() {
        ranks.swap(at, random.below(at as u64 + 1) as usize);
    }
    let places = ranks.iter().enumerate();
    places.map(|(at, &rank)| security(at as u16, rank, symbols, &mut random)).collect()
}

fn security(at: u16, rank: u16, symbols: u16, random: &mut Random) -> Security {
    let role = role(rank, symbols);
    let price_e4 = match role {
        Role::Penny => random.between(3_000, 8_000),
        Role::Leader => random.between(2_400_000, 3_400_000) / 100 * 100,
        Role::Expensive => random.between(11_000_000, 20_000_000) / 100 * 100,
        // Between 6.56 and 419 dollars, each doubling as likely as the next.
        _ => random.doubling(16, 22) / 100 * 100,
    } as u32;
    let tick_e4 = if price_e4 < 10_000 { 1 } else { 100 };
    // 60 parts in a million for the busiest, 25 times that for the quietest.
    let half_ppm = 60 + 1_440 * u64::from(rank) / u64::from(symbols.max(20));
    let half_spread_q8 = ((u64::from(price_e4) * half_ppm) << 8) / 1_000_000;
    let half_spread_q8 = half_spread_q8.max(u64::from(tick_e4) << 7);
    // 80 to 200 parts in a million over a second: 1.2 to 3 % over a day.
    let sigma_ppm = random.between(80, 200);
    let sigma_q20 = ((u128::from(price_e4) * u128::from(sigma_ppm)) << 20) / 1_000_000;
    let is_fund = role == Role::Ordinary && random.chance(2_500);
    let tier = if rank < symbols.div_ceil(2) || role == Role::Surprise { b'1' } else { b'2' };
    let locate = at + 1;
    let stock = name(at);
    let busy = 4 + u64::from(symbols) / 400;
    Security {
        listing: Listing { stock, locate, tick_e4, close_e4: price_e4, tier },
        entry: entry(stock, tier, role, is_fund, random),
        role,
        weight: (1 << 32) / (u64::from(rank) + busy),
        half_spread_q8,
        step_e4: ((half_spread_q8 >> 9) as u32 / tick_e4).max(1) * tick_e4,
        sigma_q20: sigma_q20 as i64,
        haste: 2_200 + (5_000 * busy.pow(3) / (u64::from(rank) + busy).pow(3)) as u32,
        makers: (2 + 6 * busy / (u64::from(rank) + busy)) as u8,
    }
}

/// `Z`, three letters, `ZT`: made up, after the pattern of the exchange's own test securities.
fn name(at: u16) -> Stock {
    let letter = |place: u32| b'A' + (at / 26_u16.pow(place) % 26) as u8;
    Stock([b'Z', letter(2), letter(1), letter(0), b'Z', b'T', b' ', b' '])
}

fn entry(stock: Stock, tier: u8, role: Role, is_fund: bool, random: &mut Random) -> DirectoryEntry {
    let leverage = if is_fund { [1, 1, 2, 3][random.below(4) as usize] } else { 0 };
    DirectoryEntry {
        market_category: if is_fund { b'G' } else { [b'Q', b'G', b'S'][random.below(3) as usize] },
        // Round lots of ten shares are the expensive securities' on some markets.
        round_lot: if role == Role::Expensive { 10 } else { 100 },
        issue_classification: if is_fund { b'Q' } else { b'C' },
        issue_sub_type: if is_fund { *b"E " } else { *b"Z " },
        ipo: if role == Role::NewListing { b'Y' } else { b'N' },
        luld_tier: tier,
        etp: if is_fund { b'Y' } else { b'N' },
        etp_leverage: leverage,
        inverse: leverage > 1 && random.chance(3_000),
        ..DirectoryEntry::common_stock(stock)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_name_and_weight_is_given_once_and_every_role_is_cast() {
        for symbols in [1, 7, 8, 20, 10_000] {
            let all = securities(5, symbols);
            let names: BTreeSet<_> = all.iter().map(|one| one.listing.stock).collect();
            let weights: BTreeSet<_> = all.iter().map(|one| one.weight).collect();
            assert_eq!((names.len(), weights.len()), (all.len(), all.len()));
            assert!((1..).zip(&all).all(|(locate, one)| one.listing.locate == locate));
            let cast = |role| all.iter().filter(|one| one.role == role).count();
            assert_eq!(cast(Role::Surprise), 1);
            assert_eq!(cast(Role::NewListing), usize::from(symbols >= ROLES_SYMBOLS_MIN));
            assert!(all.iter().all(|one| one.listing.close_e4.is_multiple_of(one.listing.tick_e4)));
        }
    }

    #[test]
    fn activity_falls_by_a_power_law() {
        let mut all = securities(1, 100);
        all.sort_by_key(|one| std::cmp::Reverse(one.weight));
        // (0 + 4) / (96 + 4) = 1 / 25.
        assert_eq!(all[0].weight / all[96].weight, 25);
        assert!(all.windows(2).all(|pair| pair[0].weight > pair[1].weight));
        assert!(all[0].haste > all[99].haste && all[0].makers > all[99].makers);
    }

    #[test]
    fn another_seed_lists_other_securities() {
        let prices = |seed| -> Vec<u32> {
            securities(seed, 20).iter().map(|one| one.listing.close_e4).collect()
        };
        assert_eq!(prices(1), prices(1));
        assert_ne!(prices(1), prices(2));
    }
}
