//! Which AWS operations the code calls, found in its text: a method without arguments of something that is known to be an
//! SDK's client, as `self.client.put_item()`.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use callboard_tests::project;

/// What clients are called where they are used.
const CLIENTS: [&str; 6] = ["client", "s3", "kinesis", "dynamodb", "sqs", "self.0"];
/// Bedrock is the language model's service: neither back end has one, and the adapter's own tests stand in for it.
const ELSEWHERE: &str = "shared/adapters/src/model";

/// The operations, and the files that call them.
pub(crate) fn called() -> BTreeMap<String, BTreeSet<String>> {
    let mut called: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for folder in ["shared/adapters/src", "shared/runtime/src", "functions"] {
        for file in sources(&project().join(folder)) {
            let name = file.strip_prefix(project()).unwrap().display().to_string();
            if name.starts_with(ELSEWHERE) {
                continue;
            }
            let (operations, sends) = of(&std::fs::read_to_string(&file).unwrap());
            assert!(sends <= operations.len(), "{name} sends {sends} requests to AWS, but calls only {operations:?}");
            for operation in operations {
                called.entry(operation).or_default().insert(name.clone());
            }
        }
    }
    called
}

/// The operations that a file calls, each time, and how often one is sent.
fn of(text: &str) -> (Vec<String>, usize) {
    let code = text.split("#[cfg(test)]").next().unwrap_or_default();
    // Nothing else sends so: what is no file of AWS asks an HTTP client.
    if !code.contains("aws_sdk_") {
        return (Vec::new(), 0);
    }
    let code: String = code.split_whitespace().collect();
    let mut operations = Vec::new();
    for client in CLIENTS {
        for rest in code.split(&format!("{client}.")).skip(1) {
            let method = rest.split_once("()").map_or("", |(method, _)| method);
            let is_name =
                method.chars().all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '_');
            if is_name && !matches!(method, "" | "clone") {
                operations.push(method.to_owned());
            }
        }
    }
    (operations, code.matches(".send()").count())
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found
}

#[test]
fn operations_are_found_however_they_are_written() {
    let text = "use aws_sdk_s3::Client; let a = self\n    .client\n    .put_item()\n    .send(); self.0.delete_connection().send();
        self.client.clone(); self.s3.get_object().bucket(a).send() #[cfg(test)] self.sqs.purge_queue().send()";
    let (mut operations, sends) = of(text);
    operations.sort();
    assert_eq!((operations, sends), (["delete_connection", "get_object", "put_item"].map(str::to_owned).to_vec(), 3));
    let called = called();
    for operation in ["put_item", "put_record", "upload_part", "receive_message", "post_to_connection"] {
        assert!(called.contains_key(operation), "{operation} is called");
    }
}
