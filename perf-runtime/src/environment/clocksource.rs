//! Whether the kernel trusts the processor's counter.

/// Whether the kernel itself measures time by the processor's counter, directly or through a
/// paravirtual clock. Kernels that do not say so are taken to trust it.
pub(crate) fn trusts_counter() -> bool {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    {
        const PATH: &str = "/sys/devices/system/clocksource/clocksource0/current_clocksource";
        std::fs::read_to_string(PATH).map_or(true, |source| is_counter(source.trim()))
    }
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    true
}

/// Whether the clock source of that name reads the processor's counter.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn is_counter(source: &str) -> bool {
    const COUNTERS: [&str; 5] =
        ["arch_sys_counter", "hyperv_clocksource_tsc_page", "kvm-clock", "tsc", "xen"];
    COUNTERS.contains(&source)
}

#[cfg(all(test, any(target_os = "linux", target_os = "android")))]
mod tests {
    use super::is_counter;

    #[test]
    fn a_kernel_that_gave_the_counter_up_does_not_trust_it() {
        for (source, expected) in
            [("tsc", true), ("kvm-clock", true), ("hpet", false), ("acpi_pm", false)]
        {
            assert_eq!(is_counter(source), expected, "{source}");
        }
    }
}
