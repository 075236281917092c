#!/bin/bash
# Run the task definition beside this file with the AWS CLI, and look at what came of it.
# Needs AWS_ENDPOINT_URL and keys in the environment: homeport lab -- examples/fargate-web/run.sh
set -euo pipefail
cd "$(dirname "$0")"
export AWS_PAGER="" AWS_DEFAULT_OUTPUT=text

now() { date +%s%3N; }
began=$(now)
step_began=$began
done_with() {
    local at
    at=$(now)
    printf '  %-52s %6d ms\n' "$1" $((at - step_began))
    step_began=$(now)
}
fetch() { # the page at a URL, or nothing
    python3 -c 'import sys, urllib.request as r; print(r.urlopen(sys.argv[1], timeout=10).read().decode())' "$1" 2>/dev/null || true
}
fail() {
    echo "FAILED: $*" >&2
    aws ecs describe-tasks --tasks "${task:-none}" --output json >&2 || true
    exit 1
}

subnet=$(aws ec2 describe-subnets --filters Name=default-for-az,Values=true --query 'Subnets[0].SubnetId')
vpc=$(aws ec2 describe-subnets --subnet-ids "$subnet" --query 'Subnets[0].VpcId')
group=$(aws ec2 create-security-group --group-name "web-$RANDOM$RANDOM" --description "port 80 from anywhere" \
    --vpc-id "$vpc" --query GroupId)
aws ec2 authorize-security-group-ingress --group-id "$group" --protocol tcp --port 80 --cidr 0.0.0.0/0 >/dev/null
done_with "security group that lets port 80 in"

definition=$(aws ecs register-task-definition --cli-input-json file://task-definition.json \
    --query 'taskDefinition.taskDefinitionArn')
done_with "register-task-definition"

task=$(aws ecs run-task --task-definition "$definition" --launch-type FARGATE --network-configuration \
    "awsvpcConfiguration={subnets=[$subnet],securityGroups=[$group],assignPublicIp=ENABLED}" --query 'tasks[0].taskArn')
done_with "run-task"

aws ecs wait tasks-running --tasks "$task" || fail "the task did not reach RUNNING"
done_with "wait tasks-running"

read -r eni private < <(aws ecs describe-tasks --tasks "$task" --query \
    "tasks[0].attachments[0].[details[?name=='networkInterfaceId'].value|[0], details[?name=='privateIPv4Address'].value|[0]]")
read -r address mac public < <(aws ec2 describe-network-interfaces --network-interface-ids "$eni" \
    --query 'NetworkInterfaces[0].[PrivateIpAddress, MacAddress, Association.PublicIp]')
done_with "describe-tasks, describe-network-interfaces"

page=""
for _ in $(seq 300); do
    page=$(fetch "http://$public/")
    [ -n "$page" ] && break
    sleep 0.1
done
[ -n "$page" ] || fail "no page at http://$public/"
done_with "GET http://$public/"

echo
echo "$page" | sed -E "s,</th>,: ,g; s/<[^>]*>//g; /^[[:space:]]*\$/d; s/^/    /"
echo
echo "  DescribeNetworkInterfaces says: $eni $address $mac"
[ "$address" = "$private" ] || fail "DescribeTasks says $private, DescribeNetworkInterfaces $address"
grep -q "$address" <<<"$page" || fail "the page does not show $address"
grep -qi "$mac" <<<"$page" || fail "the page does not show $mac"
grep -q "${task##*/}" <<<"$page" || fail "the page does not show the task"

stream="ecs/web/${task##*/}"
lines=""
for _ in $(seq 300); do
    lines=$(aws logs get-log-events --log-group-name /ecs/fargate-web --log-stream-name "$stream" --start-from-head \
        --query 'events[].[message]')
    grep -q 'GET /' <<<"$lines" && break
    sleep 0.1
done
grep -q 'GET /' <<<"$lines" || fail "the request is not in the log stream $stream"
echo "  Log stream $stream:"
sed 's/^/    /' <<<"$lines"
for _ in $(seq 300); do
    sidecar=$(aws logs filter-log-events --log-group-name /ecs/fargate-web --log-stream-name-prefix ecs/sidecar/ \
        --filter-pattern '"localhost says"' --query 'events[].[message]')
    [ -n "$sidecar" ] && break
    sleep 0.1
done
grep -q 'localhost says ok' <<<"$sidecar" || fail "the sidecar did not reach the web container on localhost: $sidecar"
sed 's/^/    /' <<<"$sidecar"
echo
done_with "log lines read back, the sidecar's too"

aws ecs stop-task --task "$task" --reason "the demo is over" >/dev/null
aws ecs wait tasks-stopped --tasks "$task" || fail "the task did not stop"
reason=$(aws ecs describe-tasks --tasks "$task" --query 'tasks[0].[stopCode, stoppedReason]')
grep -q 'UserInitiated.*the demo is over' <<<"$reason" || fail "stopped for another reason: $reason"
[ "$(aws ec2 describe-network-interfaces --filters "Name=network-interface-id,Values=$eni" \
    --query 'length(NetworkInterfaces)')" = 0 ] || fail "$eni is still there"
done_with "stop-task, wait tasks-stopped, interface gone"
printf '  %-52s %6d ms\n' "all of it" $(($(now) - began))
