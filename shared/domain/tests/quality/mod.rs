//! Measuring the shipped rules on labelled lines: precision, recall and F1, each objection for itself and all together.

use std::collections::{BTreeMap, BTreeSet};

use callboard_domain::{
    Channel,
    coaching::{FindingKind, Rules, Said},
    playbook,
};

/// A labelled line.
#[derive(Debug, serde::Deserialize)]
pub(crate) struct Line {
    pub(crate) text: String,
    pub(crate) objections: BTreeSet<String>,
    #[serde(default)]
    #[allow(dead_code, reason = "only the test of spoken lines reads it")]
    pub(crate) line: Option<u64>,
}

#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Count {
    right: u32,
    pub(crate) wrong: u32,
    missed: u32,
}

impl Count {
    fn add(&mut self, expected: bool, found: bool) {
        self.right += u32::from(expected && found);
        self.wrong += u32::from(!expected && found);
        self.missed += u32::from(expected && !found);
    }

    fn precision(self) -> f64 {
        f64::from(self.right) / f64::from((self.right + self.wrong).max(1))
    }

    fn recall(self) -> f64 {
        f64::from(self.right) / f64::from((self.right + self.missed).max(1))
    }

    pub(crate) fn f1(self) -> f64 {
        2.0 * f64::from(self.right) / f64::from((2 * self.right + self.wrong + self.missed).max(1))
    }
}

pub(crate) fn read(text: &str) -> Vec<Line> {
    text.lines().filter(|line| !line.trim().is_empty()).map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn found(rules: &Rules, text: &str) -> BTreeSet<String> {
    let said = Said { channel: Channel::Customer, start_ms: 0, end_ms: 1000, text };
    let findings = rules.read(&said).into_iter().filter(|finding| finding.kind == FindingKind::Objection);
    findings.map(|finding| finding.id).collect()
}

/// Prints the signals that find this objection in a text, and those that take it back.
fn blame(text: &str, id: &str) {
    let whole = playbook::shipped("sales").unwrap();
    let objection = whole.objections.iter().find(|objection| objection.id == id).unwrap();
    for signal in objection.signals.iter().chain(&objection.unless) {
        let alone = playbook::Objection { signals: vec![signal.clone()], unless: vec![], ..objection.clone() };
        let rules = Rules::compile(playbook::Playbook { objections: vec![alone], landmarks: vec![], ..whole.clone() });
        if !found(&rules, text).is_empty() {
            println!("    {id}: {signal}");
        }
    }
}

/// Counts over all ids, and prints them; `show` prints each failure too.
pub(crate) fn measure<'l>(name: &str, lines: impl Iterator<Item = &'l Line>, show: bool) -> Count {
    let rules = Rules::compile(playbook::shipped("sales").unwrap());
    let mut by_id: BTreeMap<String, Count> = BTreeMap::new();
    let mut all = Count::default();
    for line in lines {
        let found = found(&rules, &line.text);
        if show && found != line.objections {
            println!("{:?} gave {found:?}, expected {:?}", line.text, line.objections);
            found.symmetric_difference(&line.objections).for_each(|id| blame(&line.text, id));
        }
        for id in rules.playbook().objections.iter().map(|objection| &objection.id) {
            let (expected, found) = (line.objections.contains(id), found.contains(id));
            by_id.entry(id.clone()).or_default().add(expected, found);
            all.add(expected, found);
        }
    }
    for (id, count) in by_id.iter().map(|(id, count)| (id.as_str(), *count)).chain([("all", all)]) {
        let (precision, recall, f1) = (count.precision(), count.recall(), count.f1());
        println!("{name:8} {id:18} precision {precision:.3} recall {recall:.3} F1 {f1:.3} {count:?}");
    }
    all
}
