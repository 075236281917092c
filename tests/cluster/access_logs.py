"""
In a lab whose store is moto's: requests through a load balancer become objects in a bucket.

Run as `homeport lab --s3-endpoint http://127.0.0.1:PORT --s3-credentials FILE -- python -m tests.cluster.access_logs PORT SECRET`.
"""

import contextlib
import gzip
import os
import re
import signal
import sqlite3
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError
from moto.moto_server.threaded_moto_server import ThreadedMotoServer
from tests.cluster.conftest import until

from homeport.kit import installation

PORT, SECRET = int(sys.argv[1]), sys.argv[2]


def serve() -> ThreadedMotoServer:
    """Have the store answer; what is in it stays while it does not."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=PORT, verbose=False)
    server.start()
    return server


def bucket(name: str) -> Any:
    """Make the bucket."""
    store = boto3.client("s3", endpoint_url=f"http://127.0.0.1:{PORT}", region_name="us-east-1")
    store.create_bucket(Bucket=name)
    return store


def balancer(elb: Any, subnets: list[str], group: str) -> tuple[str, str]:
    """Make a load balancer that answers itself, and return its ARN and name."""
    made = elb.create_load_balancer(Name="logged", Subnets=subnets, SecurityGroups=[group])["LoadBalancers"][0]
    answer = {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "418"}}
    elb.create_listener(LoadBalancerArn=made["LoadBalancerArn"], Protocol="HTTP", Port=80, DefaultActions=[answer])
    return made["LoadBalancerArn"], made["DNSName"]


def ask(name: str, path: str) -> int:
    try:
        urllib.request.urlopen(f"http://{name}{path}", timeout=60)
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0
    raise AssertionError("it answers 418")


def switch(elb: Any, arn: str, *, on: bool) -> None:
    values = {"enabled": str(on).lower(), "bucket": "logs", "prefix": "web"}
    wanted = [{"Key": f"access_logs.s3.{name}", "Value": value} for name, value in values.items()]
    elb.modify_load_balancer_attributes(LoadBalancerArn=arn, Attributes=wanted)


def lines(store: Any) -> dict[str, list[str]]:
    """Return the objects there are, by name, with their lines."""
    found = store.list_objects_v2(Bucket="logs").get("Contents", [])
    names = [each["Key"] for each in found if each["Key"].endswith(".log.gz")]
    bodies = {name: store.get_object(Bucket="logs", Key=name)["Body"].read() for name in names}
    return {name: gzip.decompress(body).decode().splitlines() for name, body in bodies.items()}


def kill_server(run: str) -> None:
    os.kill(int(Path(run, "server.pid").read_text()), signal.SIGKILL)


def main() -> None:
    here = installation.read()
    assert here is not None
    elb, ec2 = boto3.client("elbv2"), boto3.client("ec2")
    subnets = ec2.describe_subnets(Filters=[{"Name": "default-for-az", "Values": ["true"]}])["Subnets"][:2]
    group = ec2.create_security_group(GroupName="front", Description="front")["GroupId"]
    ec2.authorize_security_group_ingress(GroupId=group, IpProtocol="tcp", FromPort=80, ToPort=80, CidrIp="0.0.0.0/0")
    arn, name = balancer(elb, [subnet["SubnetId"] for subnet in subnets], group)
    serving = serve()
    store = bucket("logs")
    until("the load balancer to answer", lambda: ask(name, "/before") == 418)
    switch(elb, arn, on=True)
    id_ = arn.partition("loadbalancer/")[2]
    test = store.get_object(Bucket="logs", Key=f"web/AWSLogs/{here.account}/ELBAccessLogTestFile")["Body"].read()
    assert test.startswith(f"Enable AccessLog for ELB: {id_} at ".encode())
    spooled = Path(here.node_state, "access-logs")

    def logged(path: str) -> bool:
        """Ask, until a proxy that logs has answered."""
        assert ask(name, path) == 418
        with contextlib.suppress(FileNotFoundError):  # the period of the file has just ended
            return any(path in file.read_text() for file in spooled.glob("*.log"))
        return False

    until("a request to be logged", lambda: logged("/first"))
    kill_server(here.run)
    until("the server to be back", lambda: elb_answers(elb))
    serving.stop()
    switch(elb, arn, on=False)  # ends the file
    until("the server to have the file", lambda: waiting(here))
    kill_server(here.run)  # all that is left of the file is in its database
    until("the server to be back", lambda: elb_answers(elb))
    serve()
    until("all to be delivered", lambda: not list(spooled.iterdir()) and not waiting(here))
    found = lines(store)
    folder = f"web/AWSLogs/{here.account}/elasticloadbalancing/us-east-1/\\d{{4}}/\\d\\d/\\d\\d"
    words = f"{here.account}_elasticloadbalancing_us-east-1_{id_.replace('/', '.')}_\\d{{8}}T\\d{{4}}Z"
    for key in found:
        assert re.fullmatch(rf"{folder}/{words}_198\.18\.\d+\.\d+_[a-z0-9]{{8}}\.log\.gz", key), key
    requests = [line for each in found.values() for line in each if f'"GET http://{name}:80/first HTTP/1.1"' in line]
    assert requests
    assert all(line.startswith("http ") and f" {id_} " in line and " 418 - " in line for line in requests), requests
    for program in ("server", "node", "supervisor"):
        log = here.log_file(program)
        assert not log.exists() or SECRET not in log.read_text()
    assert SECRET not in Path(here.run, installation.FILE).read_text()
    assert here.store_keys_file.stat().st_mode & 0o777 == 0o600
    print(f"{len(requests)} requests in {len(found)} objects")


def waiting(here: installation.Installation) -> int:
    """Return how many files the server has that are not in their bucket."""
    with contextlib.closing(sqlite3.connect(f"file:{here.server_state / 'homeport.db'}?mode=ro", uri=True)) as database:
        return int(database.execute("SELECT COUNT(*) FROM elbv2_access_log_files").fetchone()[0])


def elb_answers(elb: Any) -> bool:
    try:
        return bool(elb.describe_load_balancers()["LoadBalancers"])
    except (BotoCoreError, ClientError):
        return False


if __name__ == "__main__":
    main()
