//! What is refused, and whether the message leads a person to the place.

use super::{REAL, refused, small};

#[test]
fn errors_name_resource_property_and_line() {
    for (properties, parts) in [
        (
            "Events: {E: {Type: Kinesis, Properties: {Stream: !GetAtt S.Arn, StartingPosition: LATEST, BatchSize: 20000}}}",
            &["Events.E.Properties.BatchSize of F", "line 17", "from 1 to 10000"][..],
        ),
        ("Events: {E: {Type: SNS, Properties: {}}}", &["Events.E.Type of F", "supported are Kinesis, DynamoDB"]),
        ("Events: {E: {Type: S3, Properties: {}}}", &["let the bucket notify a queue"]),
        ("Events: {E: {Type: Kinesis, Properties: {Stream: !GetAtt S.Arn}}}", &["StartingPosition of F", "missing"]),
        (
            "Events: {E: {Type: Kinesis, Properties: {Stream: !GetAtt Q.Arn, StartingPosition: LATEST}}}",
            &["Arn of a stream"],
        ),
        (
            "Events: {E: {Type: Kinesis, Properties: {Stream: !GetAtt S.Arn, StartingPosition: LATEST, TumblingWindowInSeconds: 1}}}",
            &["TumblingWindowInSeconds of F", "is not supported by the local stack; supported are Stream"],
        ),
        (
            "Events: {E: {Type: ScheduleV2, Properties: {ScheduleExpression: cron(0 1 * * ? *)}}}",
            &["ScheduleExpression of F", "supported is rate("],
        ),
        (
            "Events: {E: {Type: SQS, Properties: {Queue: !GetAtt Q.Arn, FilterCriteria: {Filters: [{Pattern: '{'}]}}}}",
            &["Filters.0.Pattern of F", "no JSON"],
        ),
        ("Timeout: long", &["Timeout of F", "line 17, column"]),
        ("Timeout: 60\nEvents: {E: {Type: SQS, Properties: {Queue: !GetAtt Q.Arn}}}", &["VisibilityTimeout of 30 s"]),
        ("Events: {E: {Type: HttpApi, Properties: {ApiId: Other, Path: /x}}}", &["no HTTP API Other"]),
    ] {
        refused(&small(properties), parts);
    }
    refused("Resources: {A: {Type: AWS::Serverless::Api}}", &["Type of A", "supported are AWS::Serverless::Function"]);
    refused("Resources: {A: {}}", &["Type of A: is missing"]);
    refused("Resources: [", &["line"]);
    refused(
        &REAL.replace("$request.body.action", "$request.header.x"),
        &["RouteSelectionExpression of SocketApi", "$request.body.<name>"],
    );
    refused(
        &REAL.replace(
            "audio: {FunctionArn: !GetAtt IngestFunction.Arn}",
            "audio: {FunctionArn: arn:aws:lambda:local:000000000000:function:Nobody}",
        ),
        &["Routes.audio of SocketApi", "Nobody is no function"],
    );
}
