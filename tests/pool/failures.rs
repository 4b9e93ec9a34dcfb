//! Judgement of answers: a table of answers in the providers' documented shapes, then arbitrary answers.
//!
//! The table is `failures/*.txt`, by provider. An entry has its name, `<pool key> < <status>` or
//! `<pool key> at <base URL> < <status>`, its headers, its body, and its meaning: kind, fault, `of_model`, and milliseconds
//! from now with the hint's source.

use credential_pool::{Diagnosis, FailureKind, Fault, HintSource, PoolKey, Response, Timestamp, diagnose};
use proptest::prelude::*;
use serde::Serialize;

/// 2026-07-30T07:58:19Z.
const NOW: Timestamp = Timestamp::from_millis(1_785_398_299_000);

const TABLE: [&str; 7] = [
    include_str!("failures/anthropic.txt"),
    include_str!("failures/openai.txt"),
    include_str!("failures/openrouter.txt"),
    include_str!("failures/google.txt"),
    include_str!("failures/others.txt"),
    include_str!("failures/ways.txt"),
    include_str!("failures/hints.txt"),
];

/// One answer of the table.
#[derive(Default)]
struct Entry {
    name: &'static str,
    pool: &'static str,
    base_url: Option<&'static str>,
    response: Response,
    means: &'static str,
}

fn entries() -> Vec<Entry> {
    TABLE.iter().flat_map(|table| table.split("\n\n")).map(entry).collect()
}

fn entry(text: &'static str) -> Entry {
    let mut lines = text.trim().lines();
    let name = lines.next().and_then(|line| line.strip_prefix("# ")).unwrap_or_else(|| panic!("{text}"));
    let (pool, status) = lines.next().and_then(|line| line.split_once(" < ")).unwrap_or_else(|| panic!("{text}"));
    let status = (status != "none").then(|| status.parse().unwrap());
    let (pool, base_url) = pool.split_once(" at ").map_or((pool, None), |(pool, url)| (pool, Some(url)));
    let mut entry =
        Entry { name, pool, base_url, response: Response { status, ..Response::default() }, ..Entry::default() };
    for line in lines {
        if let Some((name, value)) = line.strip_prefix("< ").and_then(|header| header.split_once(": ")) {
            entry.response.headers.push((name.to_owned(), value.to_owned()));
        } else if let Some(means) = line.strip_prefix("= ") {
            entry.means = means;
        } else {
            entry.response.body.push_str(line);
            entry.response.body.push('\n');
        }
    }
    entry
}

fn judge(response: &Response, pool: &str) -> Diagnosis {
    diagnose(response, &PoolKey::parse(pool).unwrap(), None, NOW)
}

fn judge_entry(entry: &Entry) -> Diagnosis {
    diagnose(&entry.response, &PoolKey::parse(entry.pool).unwrap(), entry.base_url, NOW)
}

fn means(diagnosis: &Diagnosis) -> String {
    let mut means = format!("{} {}", word(diagnosis.kind), word(diagnosis.fault));
    if diagnosis.names_model {
        means.push_str(" of_model");
    }
    if let Some(hint) = diagnosis.hint {
        means.push_str(&format!(" +{} {}", hint.until.as_millis() - NOW.as_millis(), word(hint.source)));
    }
    means
}

fn word(name: impl Serialize) -> String {
    serde_json::to_value(name).unwrap().as_str().unwrap().to_owned()
}

#[test]
fn every_answer_means_what_the_table_says() {
    let entries = entries();
    let wrong: Vec<_> = entries
        .iter()
        .map(|entry| (entry, means(&judge_entry(entry))))
        .filter(|(entry, found)| found != entry.means)
        .map(|(entry, found)| format!("{}: {}\n  found {found}\n  table {}", entry.pool, entry.name, entry.means))
        .collect();
    assert!(wrong.is_empty(), "{} of {}\n{}", wrong.len(), entries.len(), wrong.join("\n"));
    assert!(entries.len() >= 130, "{}", entries.len());
}

#[test]
fn the_table_has_every_kind_fault_and_source() {
    use FailureKind::*;
    let all: String = entries().iter().map(|entry| format!(" {} ", entry.means)).collect();
    let kinds = [Transient, RateLimited, Quota, Unauthorized, Revoked, Forbidden, ModelGone, RequestFault, Unknown];
    let faults = [Fault::Credential, Fault::Model, Fault::Provider, Fault::Request];
    let sources = [
        HintSource::RetryAfterMs,
        HintSource::RetryAfter,
        HintSource::AnthropicReset,
        HintSource::RateLimitReset,
        HintSource::QuotaResetDelay,
        HintSource::RetryDelay,
        HintSource::BodyField,
        HintSource::Text,
    ];
    for name in kinds.map(word).into_iter().chain(faults.map(word)).chain(sources.map(word)) {
        assert!(all.contains(&format!(" {name} ")), "{name}");
    }
}

#[test]
fn only_what_the_credential_did_is_its_fault() {
    for entry in entries() {
        let found = judge_entry(&entry);
        assert_eq!(found.fault, found.kind.fault(), "{}", entry.name);
        let is_its = matches!(word(found.kind).as_str(), "rate_limited" | "quota" | "unauthorized" | "revoked");
        assert_eq!(found.fault == Fault::Credential, is_its, "{}", entry.name);
    }
}

#[test]
fn header_names_have_any_case() {
    for mut entry in entries() {
        for (name, _) in &mut entry.response.headers {
            *name = name.to_uppercase();
        }
        assert_eq!(means(&judge_entry(&entry)), entry.means, "{}", entry.name);
    }
}

fn limited(headers: &[(&str, &str)], body: &str) -> Response {
    let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Response { status: Some(429), headers, body: body.to_owned() }
}

#[test]
fn numbers_end_at_the_last_moment() {
    let nines = "9".repeat(400);
    let far = [
        limited(&[("retry-after", &nines)], ""),
        limited(&[("retry-after-ms", &nines)], ""),
        limited(&[("retry-after", &format!("{nines}.{nines}"))], ""),
        limited(&[("x-ratelimit-reset", &nines)], ""),
        limited(&[("x-ratelimit-reset-tokens", &format!("{nines}h{nines}m"))], ""),
        limited(&[], r#"{"retry_after":1e300}"#),
        limited(&[], r#"{"resets_at":18446744073709551615}"#),
        limited(&[], &format!("retry after {nines} days")),
        limited(&[], "resets at 9999-12-31T23:59:60Z"),
    ];
    for response in far {
        let hint = judge(&response, "custom:box").hint.unwrap_or_else(|| panic!("{}", response.body));
        assert!(hint.until.as_millis() > NOW.as_millis() + 250_000_000_000_000_i64.min(hint.until.as_millis() / 2));
    }
    let at_the_end = Timestamp::from_millis(i64::MAX);
    let pool = PoolKey::parse("custom:box").unwrap();
    let hint = diagnose(&limited(&[("retry-after", "60")], ""), &pool, None, at_the_end).hint;
    assert_eq!(hint.unwrap().until, at_the_end);
}

#[test]
fn a_huge_body_is_read_at_its_beginning() {
    let words = format!("Too many requests, retry in 5s. {}", "€".repeat(4_000_000));
    assert_eq!(means(&judge(&limited(&[], &words), "custom:box")), "rate_limited credential +5000 text");
    let list = format!(r#"{{"error":{{"code":"insufficient_quota"}},"x":[{}0]}}"#, "0,".repeat(5_000_000));
    assert_eq!(judge(&limited(&[], &list), "custom:box").kind, FailureKind::RateLimited);
    let wide = format!(r#"{{"error":{{"code":"insufficient_quota"}},"x":[{}0]}}"#, "0,".repeat(400_000));
    assert_eq!(judge(&limited(&[], &wide), "custom:box").kind, FailureKind::Quota);
}

#[test]
fn a_deep_body_is_no_more_than_words() {
    for (open, close) in [("{\"error\":", "}"), ("[", "]"), ("{\"a\":[", "]}")] {
        for depth in [10, 100, 200, 100_000] {
            let body = format!("{}1{}", open.repeat(depth), close.repeat(depth));
            assert_eq!(judge(&limited(&[], &body), "custom:box").kind, FailureKind::RateLimited);
            assert_eq!(judge(&limited(&[], &open.repeat(depth)), "custom:box").kind, FailureKind::RateLimited);
        }
    }
    let mut nested = r#"{"error":{"code":"insufficient_quota"}}"#.to_owned();
    for _ in 0..12 {
        nested = serde_json::json!({ "message": nested }).to_string();
    }
    judge(&limited(&[], &nested), "custom:box");
}

#[test]
fn nothing_of_an_answer_is_shown() {
    const CANARY: &str = "sk-canary-5f2d";
    let body =
        format!(r#"{{"error":{{"code":"{CANARY}","message":"Consumer 'api_key:{CANARY}' has been suspended."}}}}"#);
    let response = limited(&[("retry-after", "5"), (CANARY, CANARY)], &body);
    let diagnosis = judge(&response, "custom:box");
    let shown = format!("{response:?} {response:#?} {diagnosis:?} {}", serde_json::to_string(&diagnosis).unwrap());
    assert!(!shown.contains(CANARY), "{shown}");
    assert!(shown.contains("429"), "{shown}");
}

#[test]
fn an_answer_comes_as_json() {
    let response: Response = serde_json::from_str(r#"{"status":429,"headers":[["Retry-After","2"]]}"#).unwrap();
    let diagnosis = serde_json::to_value(judge(&response, "anthropic")).unwrap();
    assert_eq!(
        diagnosis,
        serde_json::json!({
            "kind": "rate_limited",
            "fault": "credential",
            "namesModel": false,
            "hint": { "until": 1_785_398_301_000_i64, "source": "retry_after" },
        })
    );
    assert!(serde_json::from_str::<Response>(r#"{"stauts":429}"#).is_err());
}

/// Pieces of real answers, so that arbitrary answers resemble them.
fn piece() -> impl Strategy<Value = String> {
    let known = prop::sample::select(vec![
        "{",
        "}",
        "[",
        "]",
        ":",
        ",",
        "\"",
        "<",
        "\n",
        " ",
        "error",
        "code",
        "message",
        "raw",
        "headers",
        "retry_after",
        "resets_at",
        "insufficient_quota",
        "retry after ",
        "try again in ",
        "resets at ",
        "1h",
        "2m3.5s",
        "900ms",
        "12",
        "0",
        "-1",
        ".",
        "1785398359",
        "1785398359250",
        "99999999999999999999",
        "1e400",
        "NaN",
        "2026-07-30",
        "T08:00:00Z",
        "+99:99",
        "-0330",
        "Thu, 30 Jul 2026 08:00:00 GMT",
        "Thu Jul 30 08:00:00 2026",
        "30-Feb-99",
        "€",
        "rejected",
    ]);
    let number = any::<f64>().prop_map(|number| number.to_string());
    prop_oneof![4 => known.prop_map(str::to_owned), 1 => ".{0,12}", 1 => number]
}

fn text() -> impl Strategy<Value = String> {
    prop::collection::vec(piece(), 0..16).prop_map(|pieces| pieces.concat())
}

fn body() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        text().prop_map(serde_json::Value::from),
        any::<f64>().prop_map(serde_json::Value::from),
        any::<i64>().prop_map(serde_json::Value::from),
    ];
    let tree = leaf.prop_recursive(4, 24, 4, |inner| {
        let name = prop_oneof![piece(), Just("retryDelay".to_owned()), Just("metadata".to_owned())];
        prop::collection::vec((name, inner), 0..4).prop_map(|fields| fields.into_iter().collect::<serde_json::Value>())
    });
    prop_oneof![text(), tree.prop_map(|tree| tree.to_string())]
}

fn header() -> impl Strategy<Value = (String, String)> {
    let names = prop::sample::select(vec![
        "retry-after",
        "Retry-After-Ms",
        "x-ratelimit-reset",
        "x-ratelimit-remaining",
        "anthropic-ratelimit-tokens-reset",
        "anthropic-ratelimit-unified-7d_x-status",
        "anthropic-ratelimit-unified-5h-reset",
        "cf-mitigated",
        "ratelimit-reset",
    ]);
    (prop_oneof![names.prop_map(str::to_owned), text()], text())
}

const BASE_URLS: [&str; 4] = ["https://open.bigmodel.cn", "https://api.minimax.io", "https://@", ""];
const POOLS: [&str; 7] = ["anthropic", "openrouter", "zai", "minimax", "opencode-go", "alibaba", "custom:box"];

proptest! {
    #![proptest_config(ProptestConfig {
        cases: ProptestConfig::default().cases.max(1_000),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn any_answer_has_one_meaning(
        pool in prop::sample::select(POOLS.to_vec()),
        status in prop::option::of(prop_oneof![any::<u16>(), 200_u16..600]),
        headers in prop::collection::vec(header(), 0..6),
        body in body(),
        base_url in prop::option::of(prop::sample::select(BASE_URLS.to_vec())),
        now in prop_oneof![3 => Just(NOW.as_millis()), 1 => any::<i64>()],
    ) {
        let response = Response { status, headers, body };
        let (pool, now) = (PoolKey::parse(pool).unwrap(), Timestamp::from_millis(now));
        let diagnosis = diagnose(&response, &pool, base_url, now);
        prop_assert_eq!(diagnosis, diagnose(&response, &pool, base_url, now));
        prop_assert_eq!(diagnosis.fault, diagnosis.kind.fault());
        prop_assert!(diagnosis.hint.is_none_or(|hint| hint.until >= now));
    }
}

/// Wordings of public reports and documents: `kind[ of_model] | pool key | status | body | source` a line.
const WORDINGS: &str = include_str!("failures/wordings.txt");

#[test]
fn wordings_mean_the_same_whoever_writes_them() {
    let rows: Vec<_> = WORDINGS.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).collect();
    let wrong: Vec<_> = rows
        .iter()
        .filter_map(|row| {
            let columns: Vec<_> = row.split(" | ").collect();
            let [kind, pool, status, body, source] = columns.as_slice() else { panic!("{row}") };
            assert!(!source.is_empty(), "{row}");
            let response = Response { status: status.parse().ok(), body: (*body).to_owned(), ..Response::default() };
            let found = judge(&response, pool);
            let model = if found.names_model { " of_model" } else { "" };
            let found = format!("{}{model}", word(found.kind));
            let named = found == *kind || !kind.contains("of_model") && found.trim_end_matches(" of_model") == *kind;
            (!named).then(|| format!("{found} for {row}"))
        })
        .collect();
    assert!(wrong.is_empty(), "{} of {}\n{}", wrong.len(), rows.len(), wrong.join("\n"));
}
