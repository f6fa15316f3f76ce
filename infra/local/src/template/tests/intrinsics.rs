//! Parameters, intrinsic functions and conditions: what is written, and what it stands for.

use super::{parse, refused, small};
use crate::template::Template;

#[test]
fn parameters_are_checked() {
    #[track_caller]
    fn check(declaration: &str, given: &[(&str, &str)], expected: Result<&str, &str>) {
        let text = format!("Parameters:\n  P: {{{declaration}}}\n")
            + &small("Environment: {Variables: {V: !Join ['+', [!Ref P, x]]}}");
        let overrides = given.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        match (Template::parse(&text, &overrides), expected) {
            (Ok(template), Ok(value)) => {
                assert_eq!(template.functions["F"].environment["V"], value)
            }
            (Err(error), Err(part)) => assert!(error.to_string().contains(part), "{error}"),
            (result, expected) => panic!("{result:?} instead of {expected:?}"),
        }
    }
    check("Type: String, Default: a", &[], Ok("a+x"));
    check("Type: String, Default: a", &[("P", "b")], Ok("b+x"));
    check("Type: String", &[], Err("parameter P: has no Default"));
    check("Type: String, Default: ''", &[], Ok("+x"));
    check("Type: String, Default: a", &[("Q", "b")], Err("parameter Q"));
    check("Type: String, AllowedValues: [a, b]", &[("P", "c")], Err("allowed are a, b"));
    check("Type: Number, MinValue: 1", &[("P", "0")], Err("MinValue 1"));
    check("Type: Number, Default: 5", &[("P", "many")], Err("must be a number"));
    check("Type: String, MaxLength: 2", &[("P", "abc")], Err("MaxLength 2"));
}

#[test]
fn intrinsic_functions_are_resolved() {
    let head = "Parameters: {P: {Type: Number, Default: 2}}
Mappings: {M: {a: {b: mapped}}}
Conditions:
  Two: !Equals [!Ref P, '2']
  NotTwo: !Not [!Condition Two]
  Both: !And [{Condition: Two}, !Not [{Condition: NotTwo}]]
  Either: {'Fn::Or': [{Condition: NotTwo}, {Condition: Two}]}
";
    for (value, expected) in [
        ("!Ref P", "2"),
        ("{Ref: P}", "2"),
        ("!Ref T", "T"),
        ("!Ref S", "S"),
        ("!Ref Q", "http://local/000000000000/Q"),
        ("!Ref Fifo", "http://local/000000000000/Fifo.fifo"),
        ("!Ref B", "b"),
        ("!Ref F", "F"),
        ("!GetAtt F.Arn", "arn:aws:lambda:local:000000000000:function:F"),
        ("!GetAtt T.StreamArn", "arn:aws:dynamodb:local:000000000000:table/T/stream/local"),
        ("{'Fn::GetAtt': [S, Arn]}", "arn:aws:kinesis:local:000000000000:stream/S"),
        ("!GetAtt Q.Arn", "arn:aws:sqs:local:000000000000:Q"),
        ("!GetAtt Fifo.QueueName", "Fifo.fifo"),
        ("!GetAtt B.Arn", "arn:aws:s3:::b"),
        (
            "!Sub '${AWS::Region} ${AWS::AccountId} ${AWS::Partition} ${AWS::URLSuffix} ${AWS::StackName}'",
            "local 000000000000 aws amazonaws.com callboard",
        ),
        ("!Sub 'x${P}${Q.Arn}${!P}'", "x2arn:aws:sqs:local:000000000000:Q${P}"),
        ("!Sub ['${a}-${P}', {a: !Ref T}]", "T-2"),
        ("!Join [',', [a, !Ref P]]", "a,2"),
        ("!Select [1, !Split [':', 'a:b:c']]", "b"),
        ("{'Fn::Select': ['0', [x, y]]}", "x"),
        ("!FindInMap [M, a, b]", "mapped"),
        ("!If [Two, yes, no]", "yes"),
        ("!If [NotTwo, yes, no]", "no"),
        ("!If [Both, yes, no]", "yes"),
        ("!If [Either, yes, no]", "yes"),
    ] {
        let text = head.to_owned() + &small(&format!("Environment: {{Variables: {{V: {value}}}}}"));
        let template = parse(&text).unwrap_or_else(|error| panic!("{value}: {error}"));
        assert_eq!(template.functions["F"].environment["V"], expected, "{value}");
    }
    let text = small("Environment: {Variables: {V: !Ref AWS::NoValue}}");
    assert!(parse(&text).unwrap().functions["F"].environment.is_empty());
    for (value, part) in [
        ("!ImportValue x", "ImportValue is not supported by the local stack; supported are Ref"),
        ("!Ref Nobody", "there is no parameter or resource Nobody"),
        ("!GetAtt T.Color", "has no attribute Color"),
        ("!FindInMap [M, a, c]", "Mappings has no M.a.c"),
        ("!If [Three, a, b]", "there is no condition Three"),
        ("!Select [5, [a]]", "no item 5"),
        ("!Sub '${T'", "without its }"),
    ] {
        let text = head.to_owned() + &small(&format!("Environment:\n  Variables:\n    V: {value}"));
        let line = text.lines().position(|line| line.contains("V: ")).unwrap() + 1;
        refused(&text, &[part, "Environment", "of F", &format!("line {line}")]);
    }
}

#[test]
fn conditions_drop_resources_and_cycles_end() {
    let text = "Conditions: {No: !Equals [a, b]}\n".to_owned()
        + &small("Timeout: 5").replace("  S: {Type", "  S: {Condition: No, Type");
    assert!(parse(&text).unwrap().streams.is_empty());
    let text = "Conditions: {A: !Not [!Condition A]}\n".to_owned() + &small("Timeout: !If [A, 1, 2]");
    refused(&text, &["refers to itself"]);
}
