"""Who is calling, as boto3 sees it."""

import botocore.exceptions
import pytest


def test_caller_identity_is_the_key_s_owner(client, api):
    answer = client("sts").get_caller_identity()
    assert answer["Account"] == api.account
    assert answer["Arn"] == f"arn:aws:iam::{api.account}:root"
    assert answer["ResponseMetadata"]["HTTPHeaders"]["x-amzn-requestid"] == answer["ResponseMetadata"]["RequestId"]


def test_an_operation_that_does_not_exist_yet_is_refused_by_name(client):
    with pytest.raises(botocore.exceptions.ClientError) as refused:
        client("sts").get_session_token()
    assert refused.value.response["Error"]["Code"] == "InvalidAction"
    assert refused.value.response["Error"]["Message"] == "Homeport does not implement sts:GetSessionToken yet."
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
