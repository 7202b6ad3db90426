//! Looking up host names in a static binary.

/// Has the C library look names up in /etc/hosts and by DNS, whatever /etc/nsswitch.conf says: other ways are plug-ins
/// made for the machine's own C library, and loading one into a static binary can crash it. To be called first.
#[cfg(all(target_env = "gnu", target_feature = "crt-static"))]
pub fn look_up_without_plug_ins() {
    use std::ffi::{c_char, c_int};

    unsafe extern "C" {
        fn __nss_configure_lookup(database: *const c_char, services: *const c_char) -> c_int;
    }
    // SAFETY: both texts end with a zero and live forever, and no other thread runs yet.
    unsafe { __nss_configure_lookup(c"hosts".as_ptr(), c"files dns".as_ptr()) };
}

/// Other binaries share the machine's C library, and with it the machine's ways.
#[cfg(not(all(target_env = "gnu", target_feature = "crt-static")))]
pub fn look_up_without_plug_ins() {}
