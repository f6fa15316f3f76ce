//! The real template, changed copies of it, and defaults.

mod intrinsics;
mod operation;
mod refusals;

use std::collections::BTreeMap;

use serde_json::json;

use super::*;

const REAL: &str = include_str!("../../../../template.yaml");

fn parse(text: &str) -> Result<Template, TemplateError> {
    Template::parse(text, &BTreeMap::new())
}

/// The real template with one piece of text replaced.
fn changed(from: &str, to: &str) -> Template {
    assert!(REAL.contains(from), "template.yaml no longer has {from:?}");
    parse(&REAL.replacen(from, to, 1)).unwrap()
}

fn source<'a>(template: &'a Template, id: &str) -> &'a EventSourceMapping {
    template.event_sources.iter().find(|mapping| mapping.id == id).unwrap()
}

/// A template with a stream, a table, a queue, a bucket and a function, and more properties of that function.
fn small(function: &str) -> String {
    let indented: String = function.lines().map(|line| format!("      {line}\n")).collect();
    format!(
        "Resources:
  S: {{Type: AWS::Kinesis::Stream}}
  T:
    Type: AWS::DynamoDB::Table
    Properties:
      AttributeDefinitions: [{{AttributeName: pk, AttributeType: S}}]
      KeySchema: [{{AttributeName: pk, KeyType: HASH}}]
      StreamSpecification: {{StreamViewType: NEW_IMAGE}}
  Q: {{Type: AWS::SQS::Queue}}
  Fifo: {{Type: AWS::SQS::Queue, Properties: {{FifoQueue: true}}}}
  B: {{Type: AWS::S3::Bucket}}
  Role: {{Type: AWS::IAM::Role, Properties: {{Anything: !Base64 x}}}}
  F:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: functions/f/
{indented}"
    )
}

#[track_caller]
fn refused(text: &str, parts: &[&str]) {
    let message = parse(text).unwrap_err().to_string();
    for part in parts {
        assert!(message.contains(part), "{part:?} is not in {message:?}");
    }
}

#[test]
fn the_real_template_is_understood() {
    let template = parse(REAL).unwrap();
    let names: Vec<_> = template.tables.iter().map(|table| table.name.as_str()).collect();
    assert_eq!(names, ["CallsTable", "LiveTable", "SocketsTable", "AccountsTable"]);
    assert_eq!(
        template.tables[0].create["StreamSpecification"],
        json!({"StreamEnabled": true, "StreamViewType": "NEW_IMAGE"})
    );
    assert_eq!(template.tables[1].ttl_attribute.as_deref(), Some("expires_at"));
    assert_eq!(template.streams, [Stream { name: "FrameStream".into(), shards: 1, retention_hours: 24 }]);
    assert_eq!(
        template.buckets,
        ["failedbatchesbucket", "audiobucket", "exportbucket", "accesslogsbucket", "sitebucket"]
    );

    let deferred = template.queues.iter().find(|queue| queue.name == "DeferredQueue").unwrap();
    let (dead_letters, receives) = deferred.redrive.clone().unwrap();
    assert_eq!(dead_letters, "DeferredDeadLetterQueue");
    assert!(receives > callboard_recordings::LAST_TRY, "a receive is left to say that the last try failed");
    let function = &template.functions["DeferredFunction"];
    assert!(deferred.visibility_timeout_s >= 6 * function.timeout_s);
    assert_eq!(function.environment["DEFERRED_TRIES"], callboard_recordings::LAST_TRY.to_string());

    let work = template.queues.iter().find(|queue| queue.name == "WorkQueue").unwrap();
    assert!(work.visibility_timeout_s > template.functions["RecordingsFunction"].timeout_s);
    assert!(work.redrive.clone().unwrap().1 > callboard_recordings::LAST_TRY_OF_PART + 1);
    let archive = template.queues.iter().find(|queue| queue.name == "ArchiveQueue").unwrap();
    assert!(archive.visibility_timeout_s >= 6 * template.functions["ArchiveFunction"].timeout_s);
    let told = Notification {
        bucket: "audiobucket".into(),
        queue: "WorkQueue".into(),
        prefix: "recordings/".into(),
        suffix: "/source".into(),
    };
    assert_eq!(template.notifications, [told]);
    let expiring = template.expirations.iter().map(|it| (it.bucket.as_str(), it.prefix.as_str(), it.days));
    let frames_days = u64::try_from(callboard_wire::frames::KEPT_MS).unwrap() / 86_400_000;
    let expected = [
        ("failedbatchesbucket", "", 30),
        ("audiobucket", "deferred/", 20),
        ("audiobucket", "frames/", frames_days),
        ("accesslogsbucket", "", 90),
    ];
    assert_eq!(expiring.collect::<Vec<_>>(), expected);

    let socket = template.websocket.as_ref().unwrap();
    assert_eq!((&*socket.stage, &*socket.route_property), ("ws", "action"));
    assert_eq!(socket.authorizer.as_deref(), Some("AuthorizerFunction"));
    assert_eq!(socket.routes["audio"], "IngestFunction");
    assert_eq!(socket.routes["$connect"], "SocketsFunction");

    let ingest = &template.functions["IngestFunction"];
    assert_eq!((&*ingest.handler, ingest.timeout_s), ("ingest", 10));
    assert_eq!(ingest.environment["LOG_FILTER"], "info");
    assert_eq!(ingest.environment["FRAME_STREAM"], "FrameStream");
    assert_eq!(ingest.environment["SOCKET_ENDPOINT"], "https://SocketApi.execute-api.local.amazonaws.com/ws");

    let routes = &template.http.as_ref().unwrap().routes;
    let health = routes.iter().find(|route| route.path == "/health").unwrap();
    assert_eq!((&*health.method, &health.authorizer), ("ANY", &None));
    let v1 = routes.iter().filter(|route| route.path == "/v1/{proxy+}");
    let v1: Vec<_> = v1.map(|route| (&*route.method, route.authorizer.as_deref())).collect();
    // A browser asks whether it may ask without a token.
    assert_eq!(v1, [("OPTIONS", None), ("ANY", Some("AuthorizerFunction"))]);

    let frames = source(&template, "TranscribeFunctionFrames");
    assert_eq!(frames.source, EventSource::Kinesis("FrameStream".into()));
    assert_eq!(frames.on_failure, Some(Destination::S3("failedbatchesbucket".into())));
    assert!(frames.from_start && frames.bisect && frames.report_item_failures);
    let kept = source(&template, "KeepFunctionFrames");
    assert_eq!((&kept.source, &kept.on_failure), (&frames.source, &frames.on_failure));
    assert_eq!((kept.batch_size, kept.window_s, frames.window_s), (10_000, 60, 0));
    assert_eq!(source(&template, "AnalyzeFunctionFinals").filters.len(), 4);
    assert_eq!(source(&template, "PushFunctionChanges").source, EventSource::DynamoDb("CallsTable".into()));
    let every_s: Vec<_> = template.schedules.iter().map(|it| (it.function.as_str(), it.every_s)).collect();
    assert_eq!(every_s, [("ArchiveFunction", 3_600), ("SweepFunction", 60)]);

    let feed = &template.functions["FeedFunction"];
    assert_eq!((feed.has_url, feed.timeout_s), (true, 900));
    for path in ["/v1/calls/*/events", "/transcription/events"] {
        let behavior = Behavior { pattern: path.to_owned(), function: Some("FeedFunction".to_owned()) };
        assert!(template.front.contains(&behavior), "{path}");
    }
    assert_eq!(
        template.ignored,
        ["SiteAccess", "SiteAddresses", "SiteHeaders"],
        "the page is served beside the template"
    );
}

#[test]
fn a_changed_template_changes_the_stack() {
    let template = changed("        audio: {", "        speech: {");
    let routes = &template.websocket.unwrap().routes;
    assert!(routes.contains_key("speech") && !routes.contains_key("audio"));

    let template = changed("BatchSize: 200", "BatchSize: 7");
    assert_eq!(source(&template, "TranscribeFunctionFrames").batch_size, 7);

    let template = changed(r#"["INSERT","MODIFY"]"#, r#"["INSERT"]"#);
    assert_eq!(source(&template, "AnalyzeFunctionFinals").filters[0]["eventName"], json!(["INSERT"]));

    let template = changed("ShardCount: !If [OnDemand, !Ref AWS::NoValue, !Ref Shards]", "ShardCount: 3");
    assert_eq!(template.streams[0].shards, 3);
    let overrides = BTreeMap::from([("Shards".to_owned(), "4".to_owned())]);
    assert_eq!(Template::parse(REAL, &overrides).unwrap().streams[0].shards, 4);

    let overrides = BTreeMap::from([("EnhancedFanOut".to_owned(), "true".to_owned())]);
    assert_eq!(Template::parse(REAL, &overrides).unwrap().event_sources, parse(REAL).unwrap().event_sources);

    let overrides = BTreeMap::from([("KeepWindowSeconds".to_owned(), "1".to_owned())]);
    let template = Template::parse(REAL, &overrides).unwrap();
    assert_eq!(source(&template, "KeepFunctionFrames").window_s, 1);
    assert_eq!(template.functions["KeepFunction"].environment["KEEP_WINDOW_SECONDS"], "1");

    let template = changed("FRAME_STREAM: !Ref FrameStream", "FRAME_STREAM: other\n          MORE: !Sub 'x-${Shards}'");
    assert_eq!(template.functions["SocketsFunction"].environment["FRAME_STREAM"], "other");
    assert_eq!(template.functions["SocketsFunction"].environment["MORE"], "x-1");
    assert_eq!(template.functions["SocketsFunction"].environment["LOG_FILTER"], "info");

    let template = changed("StageName: ws", "StageName: live");
    assert_eq!(template.websocket.unwrap().stage, "live");
}

#[test]
fn secrets_are_settings_of_the_functions_that_name_them() {
    #[track_caller]
    fn check(given: &[(&str, &str)], function: &str, expected: &[(&str, &str)]) {
        let overrides = given.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let template = Template::parse(REAL, &overrides).unwrap();
        let environment = &template.functions[function].environment;
        let secret = |name: &&String| name.contains("SECRET") && *name != "SECRETS_VERSION" || name.contains("KEY");
        let mut found: Vec<_> = environment.iter().filter(|(name, _)| secret(name)).collect();
        found.retain(|(_, value)| !value.is_empty());
        let found: Vec<_> = found.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(found, expected, "{function}");
    }
    let keys = [("SpeechApiKey", "s"), ("ModelApiKey", "m"), ("RedactionKey", "r"), ("SigningKeySecret", "i")];
    check(&[], "TranscribeFunction", &[]);
    check(&keys, "TranscribeFunction", &[("REDACTION_KEY", "r"), ("SPEECH_API_KEY", "s")]);
    check(&keys, "AdviseFunction", &[("MODEL_API_KEY", "m")]);
    check(&keys, "ApiFunction", &[("SIGNING_KEY_SECRET", "i")]);
    check(&keys, "PushFunction", &[]);

    let secret = "  X: {Type: AWS::SecretsManager::Secret, Properties: {SecretString: '[\"hush\"]'}}\n";
    let text = small("Environment: {Variables: {SECRETS: !Ref X}}") + secret;
    let told = parse(&text).unwrap_err().to_string();
    assert!(told.contains("SecretString of X: must be a JSON object") && !told.contains("hush"), "{told}");
    refused(&text.replace("!Ref X", "!Ref Role"), &["Role is no secret of this template"]);
}

#[test]
fn defaults_are_those_of_aws() {
    let template = parse(&small(
        "Events:
  K: {Type: Kinesis, Properties: {Stream: !GetAtt S.Arn, StartingPosition: LATEST}}
  D: {Type: DynamoDB, Properties: {Stream: !GetAtt T.StreamArn, StartingPosition: TRIM_HORIZON, MaximumRetryAttempts: -1}}
  Q: {Type: SQS, Properties: {Queue: !GetAtt Q.Arn}}
  R: {Type: Schedule, Properties: {Schedule: rate(2 hours), Input: '{\"a\": 1}', Enabled: true}}
  Off: {Type: Schedule, Properties: {Schedule: rate(2 hours), Enabled: false}}
  H: {Type: HttpApi}",
    ))
    .unwrap();
    let kinesis = source(&template, "FK");
    assert_eq!((kinesis.batch_size, kinesis.window_s, kinesis.parallelization), (100, 0, 1));
    assert_eq!((kinesis.retries, kinesis.max_age_s, kinesis.bisect, kinesis.from_start), (None, None, false, false));
    let table = source(&template, "FD");
    assert_eq!((table.batch_size, table.retries, table.from_start), (100, None, true));
    assert_eq!(source(&template, "FQ").batch_size, 10);
    assert_eq!(template.functions["F"].timeout_s, 3);
    let queue = template.queues.iter().find(|queue| queue.name == "Q").unwrap();
    assert_eq!((queue.visibility_timeout_s, queue.retention_s, queue.fifo), (30, 345_600, false));
    assert_eq!(template.schedules.len(), 1);
    assert_eq!((template.schedules[0].every_s, &template.schedules[0].input), (7200, &Some(json!({"a": 1}))));
    assert_eq!(template.http.as_ref().unwrap().routes[0].path, "$default");
    assert_eq!(template.ignored, ["F.Events.Off"]);
}

#[test]
fn http_routes_are_sorted_by_specificity() {
    let template = parse(&small(
        "Events:
  A: {Type: HttpApi}
  B: {Type: HttpApi, Properties: {Method: ANY, Path: '/v1/{proxy+}'}}
  C: {Type: HttpApi, Properties: {Method: get, Path: '/v1/calls/{id}'}}
  D: {Type: HttpApi, Properties: {Method: ANY, Path: '/v1/calls/new'}}
  E: {Type: HttpApi, Properties: {Method: GET, Path: '/v1/calls/new'}}
  G: {Type: HttpApi, Properties: {Method: GET, Path: '/v1/{kind}/new'}}",
    ))
    .unwrap();
    let routes = template.http.unwrap().routes;
    let order: Vec<_> = routes.iter().map(|route| format!("{} {}", route.method, route.path)).collect();
    assert_eq!(
        order,
        [
            "GET /v1/calls/new",
            "ANY /v1/calls/new",
            "GET /v1/calls/{id}",
            "GET /v1/{kind}/new",
            "ANY /v1/{proxy+}",
            "ANY $default"
        ]
    );
}

#[test]
fn a_distribution_leads_to_function_urls() {
    let distribution = "
  Front:
    Type: AWS::CloudFront::Distribution
    Properties:
      DistributionConfig:
        Origins:
          - {Id: api, DomainName: !Sub '${Api}.execute-api.${AWS::Region}.${AWS::URLSuffix}'}
          - {Id: f, DomainName: !Select [2, !Split ['/', !GetAtt FUrl.FunctionUrl]]}
          - {Id: pages, DomainName: pages.example}
        DefaultCacheBehavior: {TargetOriginId: api}
        CacheBehaviors:
          - {PathPattern: /a/b, TargetOriginId: api}
          - {PathPattern: /a/*, TargetOriginId: f, CachePolicyId: x}
          - {PathPattern: /p/*, TargetOriginId: pages}
  Api: {Type: AWS::Serverless::HttpApi}
";
    let url = "FunctionUrlConfig: {AuthType: NONE, InvokeMode: RESPONSE_STREAM}";
    let text = small(url) + distribution;
    let front = parse(&text).unwrap().front;
    let found: Vec<_> = front.iter().map(|it| (it.pattern.as_str(), it.function.as_deref())).collect();
    assert_eq!(found, [("/a/b", None), ("/a/*", Some("F"))]);
    assert_eq!(parse(&small(url)).unwrap().ignored, ["F.FunctionUrlConfig"]);

    refused(&text.replace("{TargetOriginId: api}", "{TargetOriginId: f}"), &["Front", "must lead to the HTTP API"]);
    refused(&text.replace("TargetOriginId: pages", "TargetOriginId: none"), &["there is no origin none"]);
    refused(&text.replace("FUrl.FunctionUrl", "FUrl.Arn"), &["FUrl has no attribute Arn"]);
    refused(&text.replace("FUrl.", "GUrl."), &["no parameter or resource GUrl"]);
    refused(
        &small("FunctionUrlConfig: {AuthType: AWS_IAM}"),
        &["FunctionUrlConfig.AuthType of F", "supported are NONE"],
    );
    refused(&small("FunctionUrlConfig: {AuthType: NONE, InvokeMode: BUFFERED}"), &["supported are RESPONSE_STREAM"]);
}
