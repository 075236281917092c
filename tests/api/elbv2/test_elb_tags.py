"""Tags of target groups."""

from tests.api.refusal import refusal


def tags(elb, arn):
    (shown,) = elb.describe_tags(ResourceArns=[arn])["TagDescriptions"]
    return {tag["Key"]: tag["Value"] for tag in shown["Tags"]}


def test_tags_are_given_changed_and_taken(elb, group):
    arn = group(Tags=[{"Key": "team", "Value": "web"}])
    assert tags(elb, arn) == {"team": "web"}
    elb.add_tags(ResourceArns=[arn], Tags=[{"Key": "team", "Value": "api"}, {"Key": "stage"}])
    assert tags(elb, arn) == {"team": "api", "stage": ""}
    elb.remove_tags(ResourceArns=[arn], TagKeys=["team", "absent"])
    assert tags(elb, arn) == {"stage": ""}


def test_fifty_tags_and_no_more(elb, group):
    arn = group(Tags=[{"Key": str(number), "Value": ""} for number in range(50)])
    assert refusal(elb.add_tags, ResourceArns=[arn], Tags=[{"Key": "51"}])[0] == "TooManyTags"
    elb.add_tags(ResourceArns=[arn], Tags=[{"Key": "1", "Value": "changed"}])


def test_bad_tags_are_refused(elb, group):
    arn = group()
    twice = [{"Key": "a"}, {"Key": "a"}]
    assert refusal(elb.add_tags, ResourceArns=[arn], Tags=twice)[0] == "DuplicateTagKeys"
    assert refusal(elb.add_tags, ResourceArns=[arn], Tags=[{"Key": "aws:x"}])[0] == "ValidationError"


def test_tags_of_nothing(elb, group):
    arn = group()
    elb.delete_target_group(TargetGroupArn=arn)
    assert refusal(elb.describe_tags, ResourceArns=[arn])[0] == "TargetGroupNotFound"
    assert refusal(elb.describe_tags, ResourceArns=["web"])[0] == "ValidationError"
