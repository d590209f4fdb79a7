//! Messages about auctions before they print (sections 4.2.6, 4.2.7, 4.6 and 4.8).

use engine::units::{Price, Qty};
use feed_handlers::itch50::{Imbalance, Message, Price4, PriceDiscovery};

use crate::{AAPL, BRK, HEAD, HEADER, assert_written, bytes, parsed};

#[test]
fn k_is_an_ipo_quoting_period_whose_release_is_in_seconds() {
    let golden = bytes(&[
        "4b",
        HEAD,                // K
        "42524b2e 41202020", // stock BRK.A
        "0000891c",          // release at 35,100 s: 09:45:00
        "41",                // qualifier A, anticipated
        "00004650",          // IPO price 1.8000
    ]);
    let view = parsed!(&golden, IpoQuotingPeriod);
    assert_eq!(view.stock(), BRK);
    assert_eq!(view.release_time_s(), 35_100);
    assert_eq!(view.qualifier(), b'A');
    assert_eq!(view.price(), Price(1_800_000_000));
    assert_written(&golden, |encoder| {
        encoder.ipo_quoting_period(HEADER, BRK, 35_100, b'A', Price4(18_000));
    });
}

#[test]
fn j_is_an_auction_collar_with_the_upper_price_before_the_lower() {
    let golden = bytes(&[
        "4a",
        HEAD,                // J
        "4141504c 20202020", // stock AAPL
        "002bbe0c",          // reference 286.67
        "002c0e84",          // upper 288.73
        "00027ac4",          // lower 16.25
        "00000002",          // second extension
    ]);
    let view = parsed!(&golden, AuctionCollar);
    assert_eq!(view.stock(), AAPL);
    assert_eq!(view.reference(), Price(286_670_000_000));
    assert_eq!(view.upper(), Price(288_730_000_000));
    assert_eq!(view.lower(), Price(16_250_000_000));
    assert_eq!(view.extension(), 2);
    assert_written(&golden, |encoder| {
        let (reference, upper, lower) = (Price4(2_866_700), Price4(2_887_300), Price4(162_500));
        encoder.auction_collar(HEADER, AAPL, reference, upper, lower, 2);
    });
}

#[test]
fn i_is_a_net_order_imbalance_with_the_far_price_before_the_near() {
    let golden = bytes(&[
        "49",
        HEAD,                // I
        "00000045 da21194e", // paired 300,012,345,678
        "00000000 00002710", // imbalance 10,000
        "53",                // direction S
        "4141504c 20202020", // stock AAPL
        "002bbe0c",          // far 286.67
        "002bc064",          // near 286.73
        "002c0e84",          // reference 288.73
        "4f",                // cross type O, opening
        "4c",                // variation L, under 1 %
    ]);
    let view = parsed!(&golden, NetOrderImbalance);
    assert_eq!(view.paired(), Qty(300_012_345_678));
    assert_eq!(view.imbalance(), Qty(10_000));
    assert_eq!(view.direction(), b'S');
    assert_eq!(view.stock(), AAPL);
    assert_eq!(view.far(), Price(286_670_000_000));
    assert_eq!(view.near(), Price(286_730_000_000));
    assert_eq!(view.reference(), Price(288_730_000_000));
    assert_eq!((view.cross_type(), view.variation()), (b'O', b'L'));
    assert_written(&golden, |encoder| {
        encoder.net_order_imbalance(
            HEADER,
            &Imbalance {
                paired: 300_012_345_678,
                imbalance: 10_000,
                direction: b'S',
                stock: AAPL,
                far: Price4(2_866_700),
                near: Price4(2_867_300),
                reference: Price4(2_887_300),
                cross_type: b'O',
                variation: b'L',
            },
        );
    });
}

#[test]
fn o_is_a_direct_listings_price_discovery() {
    let golden = bytes(&[
        "4f",
        HEAD,                // O
        "42524b2e 41202020", // stock BRK.A
        "59",                // open eligibility Y
        "00023668",          // minimum 14.50
        "00030d40",          // maximum 20.00
        "00027ac4",          // near price 16.25
        "00001f1e 4cebc600", // near time 09:30:15
        "00023b4a",          // lower collar 14.625
        "0002b818",          // upper collar 17.82
    ]);
    let view = parsed!(&golden, DirectListing);
    assert_eq!((view.stock(), view.open_eligibility()), (BRK, b'Y'));
    assert_eq!(view.minimum(), Price(14_500_000_000));
    assert_eq!(view.maximum(), Price(20_000_000_000));
    assert_eq!(view.near(), Price(16_250_000_000));
    assert_eq!(view.near_time_ns(), 34_215_000_000_000);
    assert_eq!(view.lower_collar(), Price(14_625_000_000));
    assert_eq!(view.upper_collar(), Price(17_820_000_000));
    assert_written(&golden, |encoder| {
        encoder.direct_listing(
            HEADER,
            &PriceDiscovery {
                stock: BRK,
                open_eligible: true,
                minimum: Price4(145_000),
                maximum: Price4(200_000),
                near: Price4(162_500),
                near_time_ns: 34_215_000_000_000,
                lower_collar: Price4(146_250),
                upper_collar: Price4(178_200),
            },
        );
    });
}
