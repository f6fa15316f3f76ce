//! What every function and event source of the template must have for it to be run in earnest: a way out for what fails,
//! a log that ends, an alarm, a policy that names what it is for, and an end of retries. Changed copies prove each rule.

use callboard_runtime::metrics::FIGURES;
use serde_json::Value;

use super::REAL;
use crate::template::{functions, node::Node, yaml};

const FUNCTION: &str = "AWS::Serverless::Function";

/// A template as JSON, where `!Ref X` is `{"Ref": "X"}` and `!GetAtt X.Arn` is `{"Fn::GetAtt": ["X", "Arn"]}`.
struct Checked {
    resources: Vec<(String, Value)>,
}

/// What is wrong with a template.
fn problems(text: &str) -> Vec<String> {
    let document = yaml::parse(text).unwrap();
    let globals = document.get("Globals").and_then(|globals| globals.get("Function"));
    let read = |(id, node): &(String, Node)| {
        let mut resource = node.to_json();
        if resource["Type"] == FUNCTION {
            let properties = node.get("Properties").unwrap();
            resource["Properties"] = functions::with_globals(globals, properties).to_json();
        }
        (id.clone(), resource)
    };
    let resources = document.get("Resources").unwrap().entries().iter().map(read).collect();
    let checked = Checked { resources };
    let mut problems = Vec::new();
    for (id, resource) in checked.of_type(FUNCTION) {
        problems.extend(checked.function(id, &resource["Properties"]));
    }
    for (id, resource) in checked.of_type("AWS::SQS::Queue") {
        problems.extend(checked.queue(id, &resource["Properties"]));
    }
    for (id, resource) in checked.of_type("AWS::IAM::Role") {
        problems.extend(policy(id, &resource["Properties"]));
    }
    problems.extend(checked.metrics());
    problems
}

impl Checked {
    fn of_type(&self, kind: &str) -> impl Iterator<Item = (&str, &Value)> {
        let fits = move |(_, resource): &&(String, Value)| resource["Type"] == kind;
        self.resources.iter().filter(fits).map(|(id, resource)| (id.as_str(), resource))
    }

    /// The properties of the resource that a reference leads to, if it is of the type.
    fn target(&self, reference: &Value, kind: &str) -> Option<(&str, &Value)> {
        let id = reference["Ref"].as_str().or(reference["Fn::GetAtt"][0].as_str())?;
        self.of_type(kind).find(|(known, _)| *known == id).map(|(id, resource)| (id, &resource["Properties"]))
    }

    /// Whether an alarm looks at a metric of a resource.
    fn is_watched(&self, metric: &str, dimension: &str, id: &str) -> bool {
        self.of_type("AWS::CloudWatch::Alarm").any(|(_, alarm)| {
            let alarm = &alarm["Properties"];
            let of_resource = alarm["Dimensions"].as_array().into_iter().flatten().any(|it| {
                let value = &it["Value"];
                it["Name"] == dimension && (value["Ref"] == id || value["Fn::GetAtt"][0] == id)
            });
            alarm["MetricName"] == metric && of_resource && !alarm["AlarmActions"].is_null()
        })
    }

    fn function(&self, id: &str, properties: &Value) -> Vec<String> {
        let mut problems = Vec::new();
        let mut expect = |holds: bool, what: &str| problems.extend((!holds).then(|| format!("{id} has {what}")));
        let dead_letters = self.target(&properties["DeadLetterQueue"]["TargetArn"], "AWS::SQS::Queue");
        expect(dead_letters.is_some(), "no queue for dead letters");
        let logs = self.target(&properties["LoggingConfig"]["LogGroup"], "AWS::Logs::LogGroup");
        expect(logs.is_some_and(|(_, logs)| !logs["RetentionInDays"].is_null()), "no log group with a retention");
        expect(self.is_watched("Errors", "FunctionName", id), "no alarm for its errors");
        expect(properties["Policies"].is_null(), "policies of SAM's, which add what they do not name");
        let role = self.target(&properties["Role"], "AWS::IAM::Role").map(|(role, _)| role);
        let others = self.of_type(FUNCTION).filter(|(_, it)| self.role_of(it) == role);
        expect(role.is_some() && others.count() == 1, "no role of its own");
        expect(!properties["ReservedConcurrentExecutions"].is_null(), "no share of the concurrency");
        for (name, value) in properties["Environment"]["Variables"].as_object().into_iter().flatten() {
            let secret = ["_KEY", "_SECRET", "_PASSWORD", "_TOKEN"].iter().any(|end| name.ends_with(end));
            expect(!secret, &format!("the secret {name} in its environment (value {value})"));
        }
        for (name, event) in properties["Events"].as_object().into_iter().flatten() {
            let missing = self.event(event);
            problems.extend(missing.into_iter().map(|what| format!("{id}.Events.{name} has {what}")));
        }
        for (name, event) in properties["Events"].as_object().into_iter().flatten() {
            let stream = ["Kinesis", "DynamoDB"].iter().any(|kind| event["Type"] == *kind);
            if stream && !self.is_watched("IteratorAge", "FunctionName", id) {
                problems.push(format!("{id}.Events.{name} has no alarm for its being behind"));
            }
        }
        problems
    }

    fn role_of(&self, function: &Value) -> Option<&str> {
        self.target(&function["Properties"]["Role"], "AWS::IAM::Role").map(|(id, _)| id)
    }

    /// What an event lacks for its retries to end, and for what is left then to be kept.
    fn event(&self, event: &Value) -> Vec<String> {
        let properties = &event["Properties"];
        let bounded = |value: &Value| value.as_i64().is_some_and(|number| number >= 0);
        let mut missing = Vec::new();
        let mut expect = |holds: bool, what: &str| missing.extend((!holds).then(|| what.to_owned()));
        match event["Type"].as_str().unwrap() {
            "Kinesis" | "DynamoDB" => {
                expect(bounded(&properties["MaximumRetryAttempts"]), "no end of its retries");
                expect(bounded(&properties["MaximumRecordAgeInSeconds"]), "no age at which records are given up");
                let kept = self.target(&properties["DestinationConfig"]["OnFailure"]["Destination"], "AWS::S3::Bucket");
                expect(kept.is_some(), "no bucket for batches that are given up");
            }
            "SQS" => {
                let queue = self.target(&properties["Queue"], "AWS::SQS::Queue").map(|(_, queue)| queue);
                let ends = queue.is_some_and(|queue| bounded(&queue["RedrivePolicy"]["maxReceiveCount"]));
                expect(ends, "a queue without an end of its retries");
                expect(
                    bounded_or_parameter(&properties["ScalingConfig"]["MaximumConcurrency"]),
                    "no bound on its workers",
                );
            }
            "Schedule" | "ScheduleV2" => {
                expect(bounded(&properties["RetryPolicy"]["MaximumRetryAttempts"]), "no end of its retries");
                let kept = self.target(&properties["DeadLetterConfig"]["Arn"], "AWS::SQS::Queue");
                expect(kept.is_some(), "no queue for dead letters");
            }
            "HttpApi" => {}
            other => expect(false, &format!("the type {other}, of which it is not known how its retries end")),
        }
        missing
    }

    /// A queue of dead letters is watched for any, and every other for old ones.
    fn queue(&self, id: &str, properties: &Value) -> Option<String> {
        let redrive = &properties["RedrivePolicy"];
        let watched = if redrive.is_null() {
            self.is_watched("ApproximateNumberOfMessagesVisible", "QueueName", id)
        } else {
            self.is_watched("ApproximateAgeOfOldestMessage", "QueueName", id)
                && self.target(&redrive["deadLetterTargetArn"], "AWS::SQS::Queue").is_some()
        };
        (!watched).then(|| format!("{id} has no alarm, or no queue for its dead letters"))
    }

    /// Figures that alarms and the dashboard name must be some that functions tell.
    fn metrics(&self) -> Vec<String> {
        let mut named = Vec::new();
        for (id, alarm) in self.of_type("AWS::CloudWatch::Alarm") {
            let own = [&alarm["Properties"]];
            let combined = alarm["Properties"]["Metrics"].as_array().into_iter().flatten();
            let combined = combined.map(|metric| &metric["MetricStat"]["Metric"]);
            let ours = own.into_iter().chain(combined).filter(|metric| metric["Namespace"] == "Callboard");
            named.extend(ours.map(|metric| (id, metric["MetricName"].as_str().unwrap().to_owned())));
        }
        for (id, dashboard) in self.of_type("AWS::CloudWatch::Dashboard") {
            let body = dashboard["Properties"]["DashboardBody"]["Fn::Sub"].as_str().unwrap();
            assert!(serde_json::from_str::<Value>(body).is_ok(), "the dashboard is JSON");
            let names = body.split(r#"["Callboard",""#).skip(1).filter_map(|rest| rest.split('"').next());
            named.extend(names.map(|name| (id, name.to_owned())));
        }
        let known = |name: &str| FIGURES.iter().any(|figure| figure.metric == name);
        let unknown = named.iter().filter(|(_, name)| !known(name));
        unknown.map(|(id, name)| format!("{id} names {name}, which no function tells")).collect()
    }
}

fn bounded_or_parameter(value: &Value) -> bool {
    value.is_u64() || value["Ref"].is_string()
}

/// What a role's policies leave open.
fn policy(id: &str, role: &Value) -> Vec<String> {
    let mut problems = Vec::new();
    if !role["ManagedPolicyArns"].is_null() {
        problems.push(format!("{id} has managed policies, which name no resource"));
    }
    let policies = role["Policies"].as_array().into_iter().flatten();
    let statements = policies.flat_map(|policy| policy["PolicyDocument"]["Statement"].as_array().into_iter().flatten());
    type Tells = fn(&str) -> bool;
    let open: [(&str, Tells); 2] = [("Action", |text| text.contains('*')), ("Resource", |text| text == "*")];
    let mut any = false;
    for statement in statements {
        any = true;
        for (name, open) in open {
            let stated = &statement[name];
            let stated: Vec<_> = stated.as_array().map_or(vec![stated], |list| list.iter().collect());
            if stated.is_empty() || stated.iter().any(|it| it.is_null() || it.as_str().is_some_and(open)) {
                problems.push(format!("{id} allows any {name}: {statement}"));
            }
        }
    }
    problems.extend((!any).then(|| format!("{id} allows nothing")));
    problems
}

#[test]
fn the_template_can_be_run_in_earnest() {
    assert_eq!(problems(REAL), [""; 0]);
}

/// The template with one text replaced must have this problem, and with nothing else replaced it has none.
#[track_caller]
fn check(from: &str, to: &str, expected: &str) {
    assert!(REAL.contains(from), "template.yaml no longer has {from:?}");
    let found = problems(&REAL.replacen(from, to, 1));
    assert!(found.iter().any(|problem| problem.starts_with(expected)), "{expected:?} is not in {found:#?}");
}

#[test]
fn what_a_function_lacks_is_found() {
    check("    DeadLetterQueue: {Type: SQS", "    Tags: {Type: SQS", "PushFunction has no queue for dead letters");
    check("    LoggingConfig: {LogGroup", "    Tags: {LogGroup", "ApiFunction has no log group with a retention");
    check(
        "    Properties: {RetentionInDays: !Ref LogRetentionDays}",
        "    Properties: {}",
        "FeedFunction has no log group with a retention",
    );
    check("Value: !Ref SweepFunction}", "Value: sweep}", "SweepFunction has no alarm for its errors");
    check("Role: !GetAtt PushRole.Arn", "Policies: [AmazonSQSFullAccess]", "PushFunction has policies of SAM's");
    check("Role: !GetAtt PushRole.Arn", "Role: !GetAtt FeedRole.Arn", "PushFunction has no role of its own");
    check(
        "ReservedConcurrentExecutions: !If [ReserveConcurrency, 2,",
        "Tags: !If [ReserveConcurrency, 2,",
        "SweepFunction has no share",
    );
    check(
        "KEEP_WINDOW_SECONDS: !Ref KeepWindowSeconds",
        "SPEECH_API_KEY: !Ref SpeechApiKey",
        "KeepFunction has the secret SPEECH_API_KEY in its environment",
    );
    check("Action: kinesis:PutRecord", "Action: kinesis:*", "SocketsRole allows any Action");
    check("Resource: !GetAtt FrameStream.Arn", "Resource: '*'", "SocketsRole allows any Resource");
    check(
        "Resource: !GetAtt FrameStream.Arn",
        "Resource: [!GetAtt FrameStream.Arn, '*']",
        "SocketsRole allows any Resource",
    );
    check(
        "      Policies:\n        - PolicyName: own",
        "      ManagedPolicyArns: [x]\n      Policies:\n        - PolicyName: own",
        "AuthorizerRole has managed policies",
    );
}

#[test]
fn what_an_event_source_lacks_is_found() {
    for (from, what) in [
        ("            MaximumRetryAttempts: 20\n", "TranscribeFunction.Events.Frames has no end of its retries"),
        ("            MaximumRecordAgeInSeconds: 21600\n", "TranscribeFunction.Events.Frames has no age"),
        (
            "            DestinationConfig:\n              OnFailure:\n                Type: S3\n                Destination: \
             !GetAtt FailedBatchesBucket.Arn\n",
            "TranscribeFunction.Events.Frames has no bucket for batches",
        ),
        ("            ScalingConfig: {MaximumConcurrency: 10}\n", "DeferredFunction.Events.Deferred has no bound"),
        (
            "            RetryPolicy: {MaximumRetryAttempts: 2, MaximumEventAgeInSeconds: 120}\n",
            "SweepFunction.Events.EveryMinute has no end of its retries",
        ),
        (
            "            DeadLetterConfig: {Arn: !GetAtt InvocationDeadLetterQueue.Arn}\n",
            "ArchiveFunction.Events.EveryHour has no queue for dead letters",
        ),
        ("        maxReceiveCount: 24\n", "DeferredFunction.Events.Deferred has a queue without an end of its retries"),
    ] {
        check(from, "", what);
    }
    check("MaximumRetryAttempts: 20", "MaximumRetryAttempts: -1", "TranscribeFunction.Events.Frames has no end");
    check("Type: Kinesis\n", "Type: MSK\n", "TranscribeFunction.Events.Frames has the type MSK");
    let behind = "MetricName: IteratorAge, Dimensions: [{Name: FunctionName, Value: !Ref PushFunction}]";
    check(behind, "MetricName: Duration", "PushFunction.Events.Changes has no alarm for its being behind");
    check("Value: !GetAtt WorkDeadLetterQueue.QueueName", "Value: x", "WorkDeadLetterQueue has no alarm");
    check("Value: !GetAtt AdviceQueue.QueueName", "Value: x", "AdviceQueue has no alarm");
    check("MetricName: SpeechWithoutText", "MetricName: SpeechWithoutSound", "TextLate names SpeechWithoutSound");
    check(r#"["Callboard","CallsOpen""#, r#"["Callboard","CallsShut""#, "Dashboard names CallsShut");
}

#[test]
fn a_new_function_has_to_bring_all_of_it() {
    let new = "Resources:
  NewFunction:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: functions/new
      Events:
        Frames: {Type: Kinesis, Properties: {Stream: !GetAtt FrameStream.Arn, StartingPosition: LATEST}}

";
    let found = problems(&REAL.replacen("Resources:\n", new, 1));
    // Dead letters and logs it has from the globals.
    let expected = [
        "NewFunction has no alarm for its errors",
        "NewFunction has no role of its own",
        "NewFunction has no share of the concurrency",
        "NewFunction.Events.Frames has no end of its retries",
        "NewFunction.Events.Frames has no age at which records are given up",
        "NewFunction.Events.Frames has no bucket for batches that are given up",
        "NewFunction.Events.Frames has no alarm for its being behind",
    ];
    assert_eq!(found, expected);
}
