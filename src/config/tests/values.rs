//! Single values: what is taken, what is refused and with which words.

use super::*;

#[test]
fn durations_have_a_unit_and_are_not_zero() {
    let check = |text: &str, expected: Option<u64>| {
        let found = value::parse_duration(text).map(|d| d.as_millis() as u64);
        assert_eq!(found, expected, "{text:?}");
    };
    check("200ms", Some(200));
    check("1s", Some(1_000));
    check("5m", Some(300_000));
    check("24h", Some(86_400_000));
    check("90d", Some(7_776_000_000));
    for bad in [
        "",
        "0s",
        "0ms",
        "5",
        "s",
        "-5s",
        "+5s",
        "1.5h",
        "5 s",
        " 5s",
        "5S",
        "1h30m",
        "99999999999999999999s",
        "400000d",
        "5µs",
        "٣s",
    ] {
        check(bad, None);
    }
    assert_eq!(
        error("orders.expires_after = 30"),
        "3: orders.expires_after: found 30, expected a duration such as \"30s\": a whole number above zero, followed by ms, s, m, h or d"
    );
}

#[test]
fn origins_are_written_as_browsers_write_them() {
    let check = |text: &str, expected: &str| {
        let config = config(&format!("merchant.allowed_origins = [\"{text}\"]"));
        assert_eq!(config.merchant.allowed_origins, [expected], "{text}");
    };
    check("https://Shop.Example.com", "https://shop.example.com");
    check("HTTPS://shop.example.com:443/", "https://shop.example.com");
    check("http://localhost:80", "http://localhost");
    check("http://localhost:3000", "http://localhost:3000");
    check("https://[::1]:8443", "https://[::1]:8443");
    for bad in [
        "*",
        "null",
        "",
        "shop.example.com",
        "ftp://shop.example.com",
        "https://",
        "https://shop.example.com/path",
        "https://*.example.com",
        "https://user@example.com",
        "https://shop.example.com:0",
        "https://shop.example.com:x",
        "https://shöp.example.com",
        "https://shop.example.com?x",
        "https://[shop]",
    ] {
        let found = error(&format!("merchant.allowed_origins = [\"{bad}\"]"));
        let expected = format!(
            "3: merchant.allowed_origins[0]: found {bad:?}, expected the origin of a website"
        );
        assert!(found.starts_with(&expected), "{found}");
    }
}

#[test]
fn proxies_are_trusted_by_address_or_network() {
    let list = "[\"127.0.0.1\", \"172.17.0.1/16\", \"fd00:1::/32\", \"::ffff:192.0.2.0/120\"]";
    let server = config(&format!("server.trusted_proxies = {list}")).server;
    let check = |address: &str, expected: bool| {
        assert_eq!(
            server.trusts(address.parse().unwrap()),
            expected,
            "{address}"
        );
    };
    check("127.0.0.1", true);
    check("::ffff:127.0.0.1", true);
    check("127.0.0.2", false);
    check("172.17.255.9", true);
    check("::ffff:172.17.0.9", true);
    check("172.18.0.1", false);
    check("fd00:1:ffff::7", true);
    check("fd00:2::7", false);
    check("192.0.2.255", true);
    check("192.0.3.0", false);
}

#[test]
fn every_value_is_checked() {
    let check = |rest: &str, expected: &str| {
        let found = error(rest);
        assert!(found.contains(expected), "{rest}\n{found}");
    };
    check(
        "server.listen = \"localhost:80\"",
        "expected an IP address and a port",
    );
    check(
        "server.public_url = \"pay.example.com\"",
        "found \"pay.example.com\", expected an http or https URL",
    );
    check(
        "server.public_url = \"https://pay.example.com/?a\"",
        "without ? and #",
    );
    check(
        "server.public_url = \"https://shop:key@pay.example.com\"",
        "server.public_url: found a text of 32 characters, expected a URL without a user and a password before its host",
    );
    check(
        "server.public_url = \"ftp://pay.example.com/@me\"",
        "expected an http or https URL with a host",
    );
    check(
        "server.trusted_proxies = [\"127.0.0.1\", \"proxy.local\"]",
        "server.trusted_proxies[1]: found \"proxy.local\", expected an IP address or a network, such as",
    );
    check(
        "server.trusted_proxies = [\"10.0.0.0/33\"]",
        "found \"10.0.0.0/33\", expected a number from 0 to 32 behind the / of an IPv4 network",
    );
    check(
        "server.trusted_proxies = [\"fd00::/\"]",
        "a number from 0 to 128 behind the / of an IPv6 network",
    );
    check("server.trusted_proxies = \"127.0.0.1\"", "expected a list");
    check(
        "server.max_connections = 0",
        "found 0, expected a whole number from 1",
    );
    check("server.max_connections = -5", "found -5");
    check("server = 5", "server: found 5, expected a table");
    check("database.path = \" \"", "not empty");
    check("merchant.name = \"\"", "not empty");
    check(
        "merchant.unknown_transfer_webhook_url = \"example.com\"",
        "expected an http or https URL",
    );
    check(
        "orders.accept_late = \"yes\"",
        "found \"yes\", expected true or false, without quotes",
    );
    check(
        "payments.max_tail = \"-1\"",
        "expected an amount such as \"0.01\"",
    );
    check("payments.max_tail = \"0.0000001\"", "at most 6 decimals");
    check("payments.agree_from = 5_00.5e3", "expected an amount");
    check("payments.late_window = \"0h\"", "above zero");
    for long in ["36501d", "100000000d", "99999999999999999999s"] {
        let text = format!("payments.late_window = \"{long}\"");
        check(
            &text,
            &format!("found \"{long}\", expected at most \"36500d\""),
        );
    }
    check(
        "alerts.on = []",
        "alerts.url: missing, expected where alerts are posted",
    );
    check(
        "alerts = { url = \"https://ntfy.sh/x\", on = [\"chains\"] }",
        "alerts.on[0]: found \"chains\", expected one of: paid,",
    );
    check(
        "alerts = { url = \"https://ntfy.sh/x\", format = \"xml\" }",
        "one of: text, gotify, slack, discord",
    );
    check("checkout.accent = \"red\"", "a colour such as");
    check("checkout.accent = \"#00aa7\"", "a colour such as");
    check(
        "checkout.logo_url = \"//evil.example\"",
        "an http or https URL, or a path",
    );
    check("checkout.support_url = \"javascript:alert(1)\"", "mailto:");
    check("checkout.languages = [\"english\"]", "a language code");
    check(
        "checkout.languages = [\"en\", \"xx\"]",
        "checkout.languages[1]: found \"xx\", expected one of:",
    );
    check(
        "checkout.override_dir = \"no-such\"",
        "found /etc/no-such, expected a directory that exists",
    );
    check(
        "api_keys.etherscan_api_key = 5",
        "expected a text in quotes",
    );
}

#[test]
fn numbers_and_amounts_are_read_exactly() {
    let config = config(
        "payments = { max_tail = 0, report_from = 0.1, agree_from = 500 }\nserver.max_connections = 0x10",
    );
    assert_eq!(config.payments.max_tail.to_string(), "0");
    assert_eq!(config.payments.report_from.to_string(), "0.1");
    assert_eq!(config.payments.agree_from.unwrap().to_string(), "500");
    assert_eq!(config.server.max_connections, 16);
}

/// As editors leave it, and as a slip of the hand does.
#[test]
fn a_secret_file_is_read_without_its_marks_and_a_space_is_doubted() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("key");
    let text = format!("admin.secret = \"{HASH}\"\nmerchant.secret_file = \"key\"");
    let check = |content: &str, expected: &str, is_doubted: bool| {
        std::fs::write(&path, content).unwrap();
        let parsed = parse(&text, "f", dir.path()).unwrap();
        assert_eq!(parsed.config.merchant.secret.expose(), expected);
        let doubt = format!("merchant.secret_file: {} has a space", path.display());
        let warnings = &parsed.warnings;
        let found = warnings.iter().any(|w| w.starts_with(&doubt));
        assert_eq!(found, is_doubted, "{content:?}: {warnings:?}");
        assert!(!format!("{warnings:?}").contains("0123456789abcdef"));
    };
    check("\u{feff}0123456789abcdef\r\n", "0123456789abcdef", false);
    check("0123456789abcdef \n", "0123456789abcdef ", true);
    check(" 0123456789abcdef", " 0123456789abcdef", true);
    check("0123456789 abcdef", "0123456789 abcdef", false);
}

#[test]
fn the_metrics_need_an_address_of_their_own() {
    let check = |listen: &str, metrics: &str, fits: bool| {
        let rest = format!("server = {{ listen = \"{listen}\", metrics_listen = \"{metrics}\" }}");
        if fits {
            config(&rest);
            return;
        }
        let expected = format!(
            "3: server.metrics_listen: {metrics} cannot be had beside server.listen ({listen}), expected another port"
        );
        let found = error(&rest);
        assert!(found.starts_with(&expected), "{found}");
    };
    check("127.0.0.1:8080", "127.0.0.1:8080", false);
    check("0.0.0.0:8080", "127.0.0.1:8080", false);
    check("127.0.0.1:8080", "0.0.0.0:8080", false);
    check("[::]:8080", "127.0.0.1:8080", false);
    check("[::ffff:127.0.0.1]:8080", "127.0.0.1:8080", false);
    check("[::1]:8080", "0.0.0.0:8080", true);
    check("127.0.0.1:8080", "127.0.0.2:8080", true);
    check("127.0.0.1:8080", "127.0.0.1:9090", true);
    check("127.0.0.1:0", "127.0.0.1:0", true);
    assert!(error("server.metrics_listen = \"127.0.0.1:8080\"").contains("(127.0.0.1:8080)"));
}

/// They sign and open all the same: whoever has them goes on.
#[test]
fn secrets_that_were_hardly_meant_so_are_doubted() {
    let warnings = |admin: &str, merchant: &str| {
        let text = format!("admin.secret = {admin:?}\nmerchant.secret = {merchant:?}\n");
        let parsed = parse(&text, "f", Path::new("/")).unwrap();
        assert_eq!(parsed.config.merchant.secret.expose(), merchant);
        parsed.warnings.join("\n")
    };
    for odd in [
        " 0123456789abcdef",
        "0123456789abcdef\n",
        "01234567\n89abcdef",
    ] {
        let said = warnings(HASH, odd);
        assert!(
            said.contains("merchant.secret has a space at an end"),
            "{odd:?}: {said}"
        );
    }
    let same = "the same for both of them";
    let said = warnings(same, same);
    assert!(
        said.contains("admin.secret and merchant.secret are the same"),
        "{said}"
    );
    let said = warnings("one of its own", "0123456789 abcdef");
    assert!(!said.contains("secret"), "{said}");
}
