//! Documents of CloudWatch's embedded metric format. Pure: figures in, lines of JSON out.
//!
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html>
//! says what fits: at most 100 metrics in a directive, 100 numbers of a metric in a document, and 30 dimensions in a set.

use serde_json::{Map, Value, json};

/// Metrics of one directive, and numbers of one metric, at most.
const MOST: usize = 100;

/// The numbers of one metric.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// The metric's name.
    pub name: &'static str,
    /// One of CloudWatch's units, such as `Milliseconds`, `Count` or `None`.
    pub unit: &'static str,
    /// The numbers. Those that are none (infinite, for instance) are left out.
    pub values: Vec<f64>,
}

/// Lines that together bring all numbers of these series, measured at one time (milliseconds since the Unix epoch).
/// Each metric counts by each of the `sets` of dimensions, whose values are in `dimensions`. Each series has a name of its
/// own.
pub fn documents(
    namespace: &str,
    dimensions: &[(&str, &str)],
    sets: &[&[&str]],
    series: &[Series],
    now_ms: i64,
) -> Vec<String> {
    let numbers = |series: &Series| series.values.iter().copied().filter(|it| it.is_finite()).collect::<Vec<f64>>();
    let series: Vec<(&Series, Vec<f64>)> = series.iter().map(|it| (it, numbers(it))).collect();
    let rounds = series.iter().map(|(_, numbers)| numbers.len().div_ceil(MOST)).max().unwrap_or_default();
    let mut lines = Vec::new();
    for round in 0..rounds {
        let some = series.iter().filter_map(|(series, numbers)| Some((*series, numbers.chunks(MOST).nth(round)?)));
        for some in some.collect::<Vec<_>>().chunks(MOST) {
            lines.push(document(namespace, dimensions, sets, some, now_ms));
        }
    }
    lines
}

fn document(
    namespace: &str,
    dimensions: &[(&str, &str)],
    sets: &[&[&str]],
    series: &[(&Series, &[f64])],
    now_ms: i64,
) -> String {
    let metrics: Vec<Value> = series.iter().map(|(it, _)| json!({"Name": it.name, "Unit": it.unit})).collect();
    let directive = json!({"Namespace": namespace, "Dimensions": sets, "Metrics": metrics});
    let mut document = Map::new();
    document.insert("_aws".to_owned(), json!({"Timestamp": now_ms, "CloudWatchMetrics": [directive]}));
    document.extend(dimensions.iter().map(|(name, value)| ((*name).to_owned(), json!(value))));
    document.extend(series.iter().map(|(it, numbers)| {
        let value = if let [number] = numbers { json!(number) } else { json!(numbers) };
        (it.name.to_owned(), value)
    }));
    Value::Object(document).to_string()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// What the specification asks of a document; its numbers by metric.
    #[track_caller]
    pub(crate) fn read(line: &str) -> (Value, Vec<(String, Vec<f64>)>) {
        assert!(!line.contains('\n') && line.len() < 256 * 1024, "one event of a log");
        let document: Value = serde_json::from_str(line).unwrap();
        assert!(document["_aws"]["Timestamp"].is_i64());
        let [directive] = document["_aws"]["CloudWatchMetrics"].as_array().unwrap().as_slice() else {
            panic!("{line}")
        };
        assert!((1..=256).contains(&directive["Namespace"].as_str().unwrap().len()));
        for set in directive["Dimensions"].as_array().unwrap() {
            let set = set.as_array().unwrap();
            assert!(set.len() <= 30);
            for name in set {
                let value = document[name.as_str().unwrap()].as_str().expect("each dimension has a text");
                assert!((1..=1024).contains(&value.len()));
            }
        }
        let metrics = directive["Metrics"].as_array().unwrap();
        assert!((1..=100).contains(&metrics.len()));
        let units = ["Milliseconds", "Seconds", "Count", "Bytes", "None"];
        let numbers = metrics.iter().map(|metric| {
            let name = metric["Name"].as_str().unwrap();
            assert!((1..=1024).contains(&name.len()));
            assert!(units.contains(&metric["Unit"].as_str().unwrap()), "{metric}");
            let numbers = match &document[name] {
                Value::Array(numbers) => numbers.iter().map(|it| it.as_f64().unwrap()).collect(),
                number => vec![number.as_f64().expect("a number")],
            };
            assert!((1..=100).contains(&numbers.len()));
            (name.to_owned(), numbers)
        });
        (document.clone(), numbers.collect())
    }

    fn check(series: &[Series], expected_lines: usize) {
        let sets: [&[&str]; 2] = [&["Function", "Environment"], &["Environment"]];
        let lines =
            documents("Callboard", &[("Function", "F"), ("Environment", "e")], &sets, series, 1_700_000_000_000);
        assert_eq!(lines.len(), expected_lines);
        let mut found: Vec<(String, Vec<f64>)> = Vec::new();
        for (name, numbers) in lines.iter().flat_map(|line| read(line).1) {
            match found.iter_mut().find(|(known, _)| *known == name) {
                Some((_, known)) => known.extend(numbers),
                None => found.push((name, numbers)),
            }
        }
        let finite = |it: &Series| it.values.iter().copied().filter(|it| it.is_finite()).collect::<Vec<_>>();
        let expected: Vec<_> = series.iter().map(|it| (it.name.to_owned(), finite(it))).collect();
        assert_eq!(found, expected.into_iter().filter(|(_, numbers)| !numbers.is_empty()).collect::<Vec<_>>());
    }

    #[test]
    fn every_number_is_in_a_document_that_keeps_the_rules() {
        let series =
            |name, count: usize| Series { name, unit: "Count", values: (0..count).map(|it| it as f64).collect() };
        check(&[], 0);
        check(&[series("A", 0)], 0);
        check(&[series("A", 1)], 1);
        check(&[series("A", 100), series("B", 3)], 1);
        check(&[series("A", 101), series("B", 1)], 2);
        check(&[series("A", 250), series("B", 120)], 3);
        check(&[Series { name: "A", unit: "None", values: vec![f64::NAN, f64::INFINITY] }, series("B", 2)], 1);
        let names: Vec<&'static str> = (0..101).map(|it| &*Box::leak(format!("M{it}").into_boxed_str())).collect();
        let many: Vec<Series> = names.into_iter().map(|name| series(name, 1)).collect();
        check(&many, 2);
    }

    #[test]
    fn a_document_is_as_it_is_documented() {
        let series = [Series { name: "StageDelayMs", unit: "Milliseconds", values: vec![7.0, -5.0] }];
        let lines = documents("Callboard", &[("Stage", "stored")], &[&["Stage"]], &series, 1_700_000_000_000);
        let directive = json!({
            "Namespace": "Callboard",
            "Dimensions": [["Stage"]],
            "Metrics": [{"Name": "StageDelayMs", "Unit": "Milliseconds"}],
        });
        let expected = json!({
            "_aws": {"Timestamp": 1_700_000_000_000_i64, "CloudWatchMetrics": [directive]},
            "Stage": "stored",
            "StageDelayMs": [7.0, -5.0],
        });
        let found: Vec<Value> = lines.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(found, [expected]);
    }
}
