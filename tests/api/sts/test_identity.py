"""Who is calling, as boto3 sees it."""

import urllib.error
import urllib.request

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


def test_a_presigned_url_proves_identity_to_others(client, api):
    url = client("sts").generate_presigned_url("get_caller_identity", ExpiresIn=60, HttpMethod="GET")
    with urllib.request.urlopen(url, timeout=60) as answer:  # as an EKS-style authenticator does
        assert f"<Arn>arn:aws:iam::{api.account}:root</Arn>" in answer.read().decode()
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(url.replace("GetCallerIdentity", "GetSessionToken"), timeout=60)
    assert "SignatureDoesNotMatch" in refused.value.read().decode()
    refused.value.close()


def test_somebody_else_is_somebody_else(client, api):
    answer = client("sts", credential=api.somebody).get_caller_identity()
    assert answer["Arn"] == f"arn:aws:iam::{api.account}:user/somebody"
