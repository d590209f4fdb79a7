//! Network cards and what a socket may hold.

use super::check::{About, Check, Verdict, bytes_text};
use super::root::Root;

const CARD: About = About {
    name: "network card",
    effect: "a virtual card adds the hypervisor's scheduling to every packet before the kernel takes its receive time, so no figure shows it",
    mend: "listen on a physical card, its interrupts on cores that are not in [threads]; offloads and gathering: ethtool -k and -c",
};
const BUFFERS: About = About {
    name: "socket buffers",
    effect: "a burst that comes while the ingest thread is busy is dropped once the socket's buffer is full",
    mend: "sysctl net.core.rmem_max=67108864",
};

/// A buffer that holds 50 ms of a busy feed's burst.
const BUFFERS_GOOD_BYTES: u64 = 16 << 20;

/// Drivers of cards that a hypervisor makes up.
const VIRTUAL: [&str; 8] =
    ["virtio_net", "vmxnet3", "hv_netvsc", "xen_netfront", "vif", "ena", "gve", "e1000"];

/// All checks of this file.
pub(super) fn checks(root: &Root) -> Vec<Check> {
    let mut checks = card_checks(root);
    checks.push(buffers(root));
    checks
}

/// The network cards; loopback, bridges and tunnels have no device.
pub(super) fn cards(root: &Root) -> Vec<String> {
    let mut names = root.names("/sys/class/net");
    names.retain(|name| root.has(&format!("/sys/class/net/{name}/device")));
    names
}

fn card_checks(root: &Root) -> Vec<Check> {
    let mut checks: Vec<Check> = cards(root).iter().map(|name| card(root, name)).collect();
    if checks.is_empty() {
        checks.push(CARD.found(Verdict::Unknown, "no card with a device is to be seen"));
    }
    checks
}

fn card(root: &Root, name: &str) -> Check {
    let dir = format!("/sys/class/net/{name}");
    let driver = root.link_name(&format!("{dir}/device/driver"));
    let state = root.read(&format!("{dir}/operstate"));
    let mut found = vec![
        driver.clone().unwrap_or_else(|| String::from("driver unknown")),
        state.clone().unwrap_or_else(|| String::from("state unknown")),
    ];
    // A card that is down has speed -1 or none.
    if let Some(speed) = root.number(&format!("{dir}/speed")) {
        found.push(format!("{speed} Mb/s"));
    }
    if let Some(mtu) = root.number(&format!("{dir}/mtu")) {
        found.push(format!("mtu {mtu}"));
    }
    let queues = root.names(&format!("{dir}/queues"));
    let receive = queues.iter().filter(|queue| queue.starts_with("rx-")).count();
    if receive > 0 {
        found.push(format!("{receive} receive queue(s)"));
    }
    let has_clock = !root.names(&format!("{dir}/device/ptp")).is_empty();
    found.push(String::from(if has_clock { "hardware clock" } else { "no hardware clock" }));
    if let Some(node) = root.number(&format!("{dir}/device/numa_node")) {
        found.push(format!("node {node}"));
    }
    if let Some(wait_ns @ 1..) = root.number(&format!("{dir}/gro_flush_timeout")) {
        found.push(format!("gathers packets for {wait_ns} ns"));
    }
    let verdict = match driver.as_deref() {
        None => Verdict::Unknown,
        Some(driver) if VIRTUAL.contains(&driver) => Verdict::CouldHurt,
        Some(_) => Verdict::Good,
    };
    Check { name: format!("{} {name}", CARD.name), ..CARD.found(verdict, found.join(", ")) }
}

fn buffers(root: &Root) -> Check {
    BUFFERS.or_unknown("the kernel does not tell", || {
        let most = root.number("/proc/sys/net/core/rmem_max")?;
        let found = format!("net.core.rmem_max {}", bytes_text(most));
        Some(BUFFERS.good_if(most >= BUFFERS_GOOD_BYTES, Verdict::CouldHurt, found))
    })
}

#[cfg(test)]
mod tests {
    use super::super::fixture::Tree;
    use super::*;

    #[test]
    fn a_card_is_told_with_its_driver_and_what_else_there_is() {
        let tree = Tree::new(&[
            ("sys/class/net/lo/mtu", "65536"),
            ("sys/class/net/ens1/operstate", "up\n"),
            ("sys/class/net/ens1/speed", "25000\n"),
            ("sys/class/net/ens1/mtu", "1500\n"),
            ("sys/class/net/ens1/queues/rx-0/rps_cpus", "0"),
            ("sys/class/net/ens1/queues/rx-1/rps_cpus", "0"),
            ("sys/class/net/ens1/queues/tx-0/xps_cpus", "0"),
            ("sys/class/net/ens1/device/numa_node", "1"),
            ("sys/class/net/ens1/device/ptp/ptp0/clock_name", "x"),
            ("sys/class/net/ens1/gro_flush_timeout", "20000"),
        ])
        .link("sys/class/net/ens1/device/driver", "../../../bus/pci/drivers/mlx5_core");
        let checks = card_checks(&tree.root());
        assert_eq!(checks.len(), 1);
        assert_eq!(checks[0].name, "network card ens1");
        assert_eq!(
            checks[0].found,
            "mlx5_core, up, 25000 Mb/s, mtu 1500, 2 receive queue(s), hardware clock, node 1, gathers packets for 20000 ns"
        );
        assert_eq!(checks[0].verdict, Verdict::Good);
    }

    #[test]
    fn a_virtual_card_could_hurt_and_one_without_driver_is_unknown() {
        let down = ("sys/class/net/eth0/speed", "-1\n");
        let tree = Tree::new(&[down]).link("sys/class/net/eth0/device/driver", "../virtio_net");
        let checks = card_checks(&tree.root());
        assert_eq!(checks[0].found, "virtio_net, state unknown, no hardware clock");
        assert_eq!(checks[0].verdict, Verdict::CouldHurt);
        let tree = Tree::new(&[("sys/class/net/eth0/device/vendor", "x")]);
        assert_eq!(card_checks(&tree.root())[0].verdict, Verdict::Unknown);
        assert_eq!(card_checks(&Tree::new(&[]).root())[0].verdict, Verdict::Unknown);
    }

    #[test]
    fn socket_buffers_must_hold_a_burst() {
        let most =
            |bytes: &str| buffers(&Tree::new(&[("proc/sys/net/core/rmem_max", bytes)]).root());
        assert_eq!(most("212992\n").found, "net.core.rmem_max 208.0 KiB");
        assert_eq!(most("212992\n").verdict, Verdict::CouldHurt);
        assert_eq!(most("67108864\n").verdict, Verdict::Good);
    }
}
