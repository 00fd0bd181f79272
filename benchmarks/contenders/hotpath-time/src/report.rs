//! What hotpath's report says of a function, found without its types: reading these would make the
//! program half as large again.

use hotpath::{Format, HotpathGuardBuilder};

/// The report of what `work` does, as hotpath writes it.
pub(crate) fn report(work: impl FnOnce()) -> String {
    let path = std::env::temp_dir().join(format!("hotpath-{}.json", std::process::id()));
    let builder = HotpathGuardBuilder::new("main").format(Format::Json).output_path(&path);
    let guard = builder.limit(0).build();
    work();
    drop(guard);
    let report = std::fs::read_to_string(&path).expect("there is a report");
    std::fs::remove_file(&path).expect("it is there");
    report
}

/// The value of a key of a function.
pub(crate) fn value<'report>(
    report: &'report str,
    function: &str,
    key: &str,
) -> Option<&'report str> {
    let (_, entry) = report.split_once(&format!("::{function}\""))?;
    let (_, value) = entry.split_once(&format!("\"{key}\":"))?;
    value.split([',', '}']).next().map(|it| it.trim().trim_matches('"'))
}
