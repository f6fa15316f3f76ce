//! What calls a function: the `Events` of its definition.

use super::{
    Destination, EventSource, EventSourceMapping, HttpRoute, Schedule,
    error::TemplateError,
    field::Field,
    names::{self, Target},
};

/// One event of a function.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Event {
    Mapping(Box<EventSourceMapping>),
    Schedule(Schedule),
    Route { api: Option<Field>, route: HttpRoute, authorizer: Option<Field> },
    Disabled,
}

const TYPES: &str = "Kinesis, DynamoDB, SQS, Schedule, ScheduleV2 and HttpApi";
const STREAM: [&str; 12] = [
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
        "Schedule" => schedule(id, function, &properties()?, "Schedule"),
        "ScheduleV2" => schedule(id, function, &properties()?, "ScheduleExpression"),
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

fn is_disabled(properties: &Field) -> Result<bool, TemplateError> {
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

fn schedule(id: String, function: &str, properties: &Field, expression: &str) -> Result<Event, TemplateError> {
    properties.only(&[expression, "Input", "Enabled", "State", "Name", "Description", "FlexibleTimeWindow"])?;
    if is_disabled(properties)? {
        return Ok(Event::Disabled);
    }
    if let Some(state) = properties.get("State")
        && state.one_of(&["ENABLED", "DISABLED"])? == "DISABLED"
    {
        return Ok(Event::Disabled);
    }
    let field = properties.require(expression)?;
    let text = field.text()?;
    let every_s = rate(&text).ok_or_else(|| {
        field.error(format!("{text} is not supported by the local stack; supported is rate(<n> minutes|hours|days)"))
    })?;
    let input = properties.get("Input").map(|field| field.json()).transpose()?;
    Ok(Event::Schedule(Schedule { id, function: function.to_owned(), every_s, input }))
}

/// `rate(5 minutes)` in seconds.
fn rate(text: &str) -> Option<u64> {
    let (count, unit) = text.strip_prefix("rate(")?.strip_suffix(')')?.trim().split_once(' ')?;
    let count: u64 = count.parse().ok().filter(|count| *count > 0)?;
    let unit_s = match unit.trim() {
        "minute" | "minutes" => 60,
        "hour" | "hours" => 3600,
        "day" | "days" => 86_400,
        _ => return None,
    };
    count.checked_mul(unit_s)
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
        return Ok(Event::Route { api: None, route, authorizer: None });
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
    Ok(Event::Route { api: properties.get("ApiId"), route, authorizer })
}

#[cfg(test)]
mod tests {
    use super::rate;

    #[test]
    fn rates() {
        for (text, expected) in [
            ("rate(1 minute)", Some(60)),
            ("rate(5 minutes)", Some(300)),
            ("rate(2 hours)", Some(7200)),
            ("rate(1 day)", Some(86_400)),
            ("rate(0 minutes)", None),
            ("rate(1 week)", None),
            ("cron(0 12 * * ? *)", None),
        ] {
            assert_eq!(rate(text), expected, "{text}");
        }
    }
}
