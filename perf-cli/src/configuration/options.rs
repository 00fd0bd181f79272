//! The options that override thresholds, one for each key of `[thresholds]`.

use clap::error::Error;
use clap::{Arg, ArgMatches, Args, Command, FromArgMatches};
use toml::{Table, Value};

use crate::judge::Thresholds;

/// The keys, what their values are, and their help.
const OPTIONS: [(&str, &str, &str); 16] = [
    ("time-percent", "PERCENT", "Smallest change of time"),
    ("build-ms", "MS", "Smallest change of the build's time (sessions of 3 builds and more)"),
    ("phase-ms", "MS", "Smallest change of a phase's self time (sessions of 3 builds and more)"),
    ("single-build-ms", "MS", "The same as --build-ms, for one build or two"),
    ("single-phase-ms", "MS", "The same as --phase-ms, for one build or two"),
    ("memory-percent", "PERCENT", "Smallest change of a memory peak"),
    ("memory-mb", "MB", "Smallest change of a memory peak"),
    ("allocations-percent", "PERCENT", "Smallest change of allocations that hardly vary"),
    ("z", "SIGMAS", "Smallest change in robust σ of the builds before"),
    ("session-p", "P", "Highest p of a session that is a regression"),
    ("pairs-p", "P", "The same of builds run in turn, at all looks together"),
    ("false-discovery-rate", "SHARE", "Share of false findings among all findings"),
    ("least-builds", "N", "With fewer builds to compare with, neither times nor peaks are judged"),
    ("enough-builds", "N", "With fewer builds (or sessions) to compare with, nothing is certain"),
    ("session-builds", "N", "With fewer builds that ran together, nothing is certain"),
    ("baseline-sessions", "N", "How many of the newest sessions to compare with"),
];

/// The thresholds that were given on the command line.
#[derive(Debug, Clone, Default)]
pub(crate) struct ThresholdArgs(Table);

impl ThresholdArgs {
    /// The thresholds with those of the command line in place of the others.
    pub(crate) fn apply(&self, thresholds: Thresholds) -> Result<Thresholds, String> {
        let thresholds = replace(thresholds, &self.0)?;
        thresholds.validate()?;
        Ok(thresholds)
    }
}

fn replace(thresholds: Thresholds, given: &Table) -> Result<Thresholds, String> {
    let mut table = Table::try_from(thresholds).map_err(|error| error.to_string())?;
    table.extend(given.clone());
    table.try_into().map_err(|error: toml::de::Error| error.message().to_owned())
}

/// Reads a number, and checks that it is one that the threshold may be.
fn parse(key: &str, text: &str) -> Result<Value, String> {
    let number = text.parse().map(Value::Integer).or_else(|_| text.parse().map(Value::Float));
    let number = number.map_err(|_| "expected a number".to_owned())?;
    let given = Table::from_iter([(key.to_owned(), number.clone())]);
    replace(Thresholds::default(), &given).map(|_| number)
}

impl Args for ThresholdArgs {
    fn augment_args(command: Command) -> Command {
        let defaults = Table::try_from(Thresholds::default()).unwrap_or_default();
        let option = |(key, value, help): (&'static str, &'static str, &str)| {
            let default = match defaults.get(key) {
                Some(Value::Float(number)) => number.to_string(),
                Some(Value::Integer(number)) => number.to_string(),
                _ => String::new(),
            };
            Arg::new(key)
                .long(key)
                .value_name(value)
                .help(format!("{help} [default: {default}]"))
                .allow_hyphen_values(true)
                .value_parser(move |text: &str| parse(key, text))
        };
        command.next_help_heading("Thresholds").args(OPTIONS.map(option))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for ThresholdArgs {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, Error> {
        let mut given = Self::default();
        given.update_from_arg_matches(matches)?;
        Ok(given)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        for (key, ..) in OPTIONS {
            let value = matches.get_one::<Value>(key);
            self.0.extend(value.map(|value| (key.to_owned(), value.clone())));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_threshold_has_an_option() {
        let keys = Table::try_from(Thresholds::default()).unwrap();
        let mut options = OPTIONS.map(|(key, ..)| key);
        options.sort_unstable();
        assert_eq!(keys.keys().map(String::as_str).collect::<Vec<_>>(), options);
    }

    #[test]
    fn an_option_takes_what_the_file_takes() {
        assert_eq!(parse("time-percent", "7.5"), Ok(Value::Float(7.5)));
        assert_eq!(parse("least-builds", "7"), Ok(Value::Integer(7)));
        for (key, text, why) in [
            ("time-percent", "5 %", "expected a number"),
            ("time-percent", "-1", "expected a number that is not negative"),
            ("z", "nan", "expected a number from 1 to 10"),
            ("least-builds", "2.5", "expected an integer from 2 to 200"),
        ] {
            assert_eq!(parse(key, text), Err(why.to_owned()), "{key} {text}");
        }
    }
}
