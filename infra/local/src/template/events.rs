//! What calls a function: the `Events` of its definition.

use super::{
    Destination, EventSource, EventSourceMapping, HttpRoute, Schedule,
    error::TemplateError,
    field::Field,
    names::{self, Target},
    schedules,
};

/// One event of a function.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Event {
    Mapping(Box<EventSourceMapping>),
    Schedule(Schedule),
    Route(Box<Route>),
    Disabled,
}

/// A route, before its API and authorizer are looked up.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Route {
    pub(super) api: Option<Field>,
    pub(super) route: HttpRoute,
    pub(super) authorizer: Option<Field>,
}

const TYPES: &str = "Kinesis, DynamoDB, SQS, Schedule, ScheduleV2 and HttpApi";
const STREAM: [&str; 13] = [
    "Stream",
    "StartingPosition",
    "BatchSize",
    "MaximumBatchingWindowInSeconds",
    "ParallelizationFactor",
    "MaximumRetryAttempts",
    "MaximumRecordAgeInSeconds",
    "BisectBatchOnFunctionError",
    "FunctionResponseTypes",
    "FilterCriteria",
    "DestinationConfig",
    "MetricsConfig",
    "Enabled",
];
const QUEUE: [&str; 7] = [
    "Queue",
    "BatchSize",
    "MaximumBatchingWindowInSeconds",
    "FunctionResponseTypes",
    "FilterCriteria",
    "ScalingConfig",
    "Enabled",
];
const WEEK_S: i64 = 604_800;
/// Pollers that Lambda starts with for a queue.
const QUEUE_POLLERS: u64 = 5;

/// Reads one event of a function.
pub(super) fn event(function: &str, name: &str, event: &Field) -> Result<Event, TemplateError> {
    let kind = event.require("Type")?;
    let id = format!("{function}{name}");
    let properties = || event.require("Properties");
    match &*kind.text()? {
        "Kinesis" => stream(id, function, &properties()?, false),
        "DynamoDB" => stream(id, function, &properties()?, true),
        "SQS" => queue(id, function, &properties()?),
        "Schedule" => schedules::schedule(id, function, &properties()?, "Schedule"),
        "ScheduleV2" => schedules::schedule(id, function, &properties()?, "ScheduleExpression"),
        "HttpApi" => route(function, event.get("Properties").as_ref()),
        "S3" => Err(kind.error(format!(
            "S3 is not supported by the local stack: let the bucket notify a queue; supported are {TYPES}"
        ))),
        other => Err(kind.error(format!("{other} is not supported by the local stack; supported are {TYPES}"))),
    }
}

fn stream(id: String, function: &str, properties: &Field, table: bool) -> Result<Event, TemplateError> {
    properties.only(&STREAM)?;
    if is_disabled(properties)? {
        return Ok(Event::Disabled);
    }
    let arn = properties.require("Stream")?;
    let source = match names::target(&arn.text()?) {
        Some(Target::Stream(name)) if !table => EventSource::Kinesis(name),
        Some(Target::TableStream(name)) if table => EventSource::DynamoDb(name),
        _ if table => return Err(arn.error("must be the StreamArn of a table of this template")),
        _ => return Err(arn.error("must be the Arn of a stream of this template")),
    };
    let position = properties.require("StartingPosition")?.one_of(&["TRIM_HORIZON", "LATEST"])?;
    // -1 stands for "without limit", which is also the default.
    let unless_endless = |name: &str, most: i64| -> Result<Option<u64>, TemplateError> {
        let number = properties.get(name).map(|field| field.number(-1..=most)).transpose()?;
        Ok(number.and_then(|number| u64::try_from(number).ok()))
    };
    let retries = unless_endless("MaximumRetryAttempts", 10_000)?;
    let destination = properties.get("DestinationConfig").and_then(|config| config.get("OnFailure"));
    Ok(Event::Mapping(Box::new(EventSourceMapping {
        id,
        function: function.to_owned(),
        source,
        from_start: position == "TRIM_HORIZON",
        batch_size: size(properties, "BatchSize", 100, 10_000)?,
        window_s: number(properties, "MaximumBatchingWindowInSeconds", 0, 0..=300)?,
        parallelization: size(properties, "ParallelizationFactor", 1, 10)?,
        retries: retries.and_then(|retries| u32::try_from(retries).ok()),
        max_age_s: unless_endless("MaximumRecordAgeInSeconds", WEEK_S)?,
        bisect: properties.get("BisectBatchOnFunctionError").map_or(Ok(false), |field| field.boolean())?,
        report_item_failures: reports_item_failures(properties)?,
        filters: filters(properties)?,
        on_failure: destination.map(|field| on_failure(&field)).transpose()?,
    })))
}

fn queue(id: String, function: &str, properties: &Field) -> Result<Event, TemplateError> {
    properties.only(&QUEUE)?;
    if is_disabled(properties)? {
        return Ok(Event::Disabled);
    }
    let arn = properties.require("Queue")?;
    let Some(Target::Queue(name)) = names::target(&arn.text()?) else {
        return Err(arn.error("must be the Arn of a queue of this template"));
    };
    let window_s = number(properties, "MaximumBatchingWindowInSeconds", 0, 0..=300)?;
    let most = if name.ends_with(".fifo") || window_s == 0 { 10 } else { 10_000 };
    let concurrency = match properties.get("ScalingConfig") {
        Some(config) => config.require("MaximumConcurrency")?.count(2..=1000)?,
        None => QUEUE_POLLERS,
    };
    Ok(Event::Mapping(Box::new(EventSourceMapping {
        id,
        function: function.to_owned(),
        source: EventSource::Sqs(name),
        from_start: true,
        batch_size: size(properties, "BatchSize", 10, most)?,
        window_s,
        parallelization: usize::try_from(concurrency).unwrap_or(1),
        retries: None,
        max_age_s: None,
        bisect: false,
        report_item_failures: reports_item_failures(properties)?,
        filters: filters(properties)?,
        on_failure: None,
    })))
}

pub(super) fn is_disabled(properties: &Field) -> Result<bool, TemplateError> {
    properties.get("Enabled").map_or(Ok(false), |field| field.boolean().map(|enabled| !enabled))
}

fn number(
    properties: &Field,
    name: &str,
    default: u64,
    range: std::ops::RangeInclusive<i64>,
) -> Result<u64, TemplateError> {
    properties.get(name).map_or(Ok(default), |field| field.count(range))
}

fn size(properties: &Field, name: &str, default: u64, most: i64) -> Result<usize, TemplateError> {
    number(properties, name, default, 1..=most).map(|size| usize::try_from(size).unwrap_or(usize::MAX))
}

fn reports_item_failures(properties: &Field) -> Result<bool, TemplateError> {
    let types = properties.get("FunctionResponseTypes").map_or(Ok(Vec::new()), |field| field.items())?;
    for field in &types {
        field.one_of(&["ReportBatchItemFailures"])?;
    }
    Ok(!types.is_empty())
}

fn filters(properties: &Field) -> Result<Vec<serde_json::Value>, TemplateError> {
    let Some(criteria) = properties.get("FilterCriteria") else {
        return Ok(Vec::new());
    };
    criteria.only(&["Filters"])?;
    let mut patterns = Vec::new();
    for filter in criteria.require("Filters")?.items()? {
        let pattern = filter.require("Pattern")?;
        let json = pattern.json()?;
        if !json.is_object() {
            return Err(pattern.error("must be a JSON object"));
        }
        patterns.push(json);
    }
    Ok(patterns)
}

fn on_failure(field: &Field) -> Result<Destination, TemplateError> {
    field.only(&["Type", "Destination"])?;
    let kind = field.get("Type").map(|field| field.one_of(&["S3", "SQS"])).transpose()?;
    let destination = field.require("Destination")?;
    match (kind.as_deref(), names::target(&destination.text()?)) {
        (Some("S3") | None, Some(Target::Bucket(name))) => Ok(Destination::S3(name)),
        (Some("SQS") | None, Some(Target::Queue(name))) => Ok(Destination::Sqs(name)),
        _ => Err(destination.error("must be the Arn of a bucket (Type S3) or a queue (Type SQS) of this template")),
    }
}

fn route(function: &str, properties: Option<&Field>) -> Result<Event, TemplateError> {
    let mut route = HttpRoute {
        method: "ANY".to_owned(),
        path: "$default".to_owned(),
        function: function.to_owned(),
        authorizer: None,
        timeout_ms: 30_000,
    };
    let Some(properties) = properties else {
        return Ok(Event::Route(Box::new(Route { api: None, route, authorizer: None })));
    };
    properties.only(&["ApiId", "Method", "Path", "Auth", "PayloadFormatVersion", "TimeoutInMillis"])?;
    if let Some(path) = properties.get("Path") {
        route.path = path.text()?;
        let greedy = route.path.find("+}").is_some_and(|at| at + 2 != route.path.len());
        if route.path != "$default" && (!route.path.starts_with('/') || greedy) {
            return Err(path.error("must begin with /, and {name+} can only be its last part"));
        }
        let method = properties.get("Method").map_or(Ok("ANY".to_owned()), |field| field.text())?;
        route.method = if method == "*" { "ANY".to_owned() } else { method.to_uppercase() };
    }
    if let Some(version) = properties.get("PayloadFormatVersion") {
        version.one_of(&["2.0"])?;
    }
    route.timeout_ms = number(properties, "TimeoutInMillis", 30_000, 50..=30_000)?;
    let authorizer = match properties.get("Auth") {
        Some(auth) => {
            auth.only(&["Authorizer"])?;
            auth.get("Authorizer")
        }
        None => None,
    };
    Ok(Event::Route(Box::new(Route { api: properties.get("ApiId"), route, authorizer })))
}
