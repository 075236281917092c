#!/bin/bash
# Two c5.large instances, a task in each network mode, and a trunk, by the AWS CLI.
# Needs AWS_ENDPOINT_URL and keys in the environment: homeport lab -- examples/network-modes/run.sh
set -euo pipefail
cd "$(dirname "$0")"
export AWS_PAGER="" AWS_DEFAULT_OUTPUT=text
cluster=network-modes

now() { date +%s%3N; }
began=$(now)
step_began=$began
done_with() {
    local at
    at=$(now)
    printf '  %-66s %6d ms\n' "$1" $((at - step_began))
    step_began=$(now)
}
say() { printf '    %s\n' "$*"; }
fail() {
    echo "FAILED: $*" >&2
    aws ecs describe-tasks --cluster $cluster --tasks $(aws ecs list-tasks --cluster $cluster --query 'taskArns' || true) \
        --output json >&2 || true
    exit 1
}
until_true() { # WHAT COMMAND...: a level is waited for, at most five minutes
    local what=$1 deadline=$(($(now) + 300000))
    shift
    until "$@"; do
        [ "$(now)" -lt $deadline ] || fail "waited five minutes for $what"
        sleep 0.2
    done
}
is() { # EXPECTED COMMAND...: the command's output is what is expected
    local expected=$1
    shift
    [ "$("$@" 2>/dev/null)" = "$expected" ]
}
fetch() { # the page at a URL, or nothing
    python3 -c 'import sys, urllib.request as r; print(r.urlopen(sys.argv[1], timeout=10).read().decode())' "$1" 2>/dev/null || true
}
field() { sed -n "s,.*<th>$1</th><td>\(.*\)</td>.*,\1,p"; } # a row of the demo image's page
define() { # MODE PORT-MAPPINGS COMMAND: the ARN of a task definition of the demo image
    local log='{"logDriver":"awslogs","options":{"awslogs-group":"/ecs/network-modes","awslogs-region":"us-east-1",
        "awslogs-stream-prefix":"ecs","awslogs-create-group":"true"}}'
    aws ecs register-task-definition --family "network-modes-$1" --network-mode "$1" --container-definitions \
        "[{\"name\":\"web\",\"image\":\"homeport/web:latest\",\"memory\":64,\"portMappings\":$2,\"stopTimeout\":2,
          \"logConfiguration\":$log$3}]" --query taskDefinition.taskDefinitionArn
}
start() { # CONTAINER-INSTANCE DEFINITION [OPTION...]: a task's ARN, or why there is none
    local instance=$1 definition=$2
    shift 2
    aws ecs start-task --cluster $cluster --container-instances "$instance" --task-definition "$definition" "$@" \
        --query '[tasks[].taskArn, failures[].reason][]'
}
status() { aws ecs describe-tasks --cluster $cluster --tasks "$@" --query 'sort(tasks[].lastStatus)' | tr '\t' '\n' | uniq; }
running() { until_true "tasks to run: $*" is RUNNING status "$@"; }
host_port() { aws ecs describe-tasks --cluster $cluster --tasks "$1" --query 'tasks[0].containers[0].networkBindings[0].hostPort'; }
registered() { # INSTANCE: its container instance's ARN, once it is ACTIVE
    aws ecs list-container-instances --cluster $cluster --status ACTIVE --filter "ec2InstanceId == $1" --query 'containerInstanceArns[0]'
}
is_registered() { [[ $(registered "$1") == arn:* ]]; }
answer() { # URL: waits for the demo image's page there, and keeps it in $page
    page=""
    for _ in $(seq 300); do
        page=$(fetch "$1")
        [ -n "$page" ] && return
        sleep 0.1
    done
    fail "no page at $1"
}
lines_of() { aws logs get-log-events --log-group-name /ecs/network-modes --log-stream-name "ecs/web/${1##*/}" \
    --start-from-head --query 'events[].[message]' 2>/dev/null || true; }
has_lines() { [ -n "$(lines_of "$1")" ]; }

echo "Instances"
image=$(aws ssm get-parameter --name /aws/service/ecs/optimized-ami/amazon-linux-2023/recommended/image_id \
    --query Parameter.Value)
[[ $image == ami-* ]] || fail "no ECS-optimised image: $image"
done_with "the ECS-optimised image, by its SSM parameter"

subnet=$(aws ec2 describe-subnets --filters Name=default-for-az,Values=true --query 'Subnets[0].SubnetId')
vpc=$(aws ec2 describe-subnets --subnet-ids "$subnet" --query 'Subnets[0].VpcId')
hosts=$(aws ec2 create-security-group --group-name "hosts-$RANDOM$RANDOM" --vpc-id "$vpc" --query GroupId \
    --description "port 80 and the dynamic host ports")
aws ec2 authorize-security-group-ingress --group-id "$hosts" --protocol tcp --port 80 --cidr 0.0.0.0/0 >/dev/null
aws ec2 authorize-security-group-ingress --group-id "$hosts" --protocol tcp --port 32768-60999 --cidr 0.0.0.0/0 >/dev/null
tasks=$(aws ec2 create-security-group --group-name "tasks-$RANDOM$RANDOM" --vpc-id "$vpc" --query GroupId \
    --description "port 80 for the instances")
aws ec2 authorize-security-group-ingress --group-id "$tasks" --protocol tcp --port 80 --source-group "$hosts" >/dev/null
network="awsvpcConfiguration={subnets=[$subnet],securityGroups=[$tasks]}"
aws ecs create-cluster --cluster-name $cluster >/dev/null
done_with "a cluster, a security group for instances and one for tasks"

run_instances() { # COUNT
    aws ec2 run-instances --image-id "$image" --instance-type c5.large --count "$1" --subnet-id "$subnet" \
        --security-group-ids "$hosts" --associate-public-ip-address --user-data file://user-data.sh \
        --query 'Instances[].InstanceId'
}
read -r first second < <(run_instances 2)
done_with "run-instances: two c5.large"
until_true "$first to register" is_registered "$first"
until_true "$second to register" is_registered "$second"
one=$(registered "$first")
two=$(registered "$second")
public=$(aws ec2 describe-instances --instance-ids "$first" --query 'Reservations[0].Instances[0].PublicIpAddress')
done_with "both are ACTIVE container instances"
aws ecs describe-container-instances --cluster $cluster --container-instances "$one" "$two" --output json --query \
    'containerInstances[].[ec2InstanceId, to_string(remainingResources[?name==`CPU`].integerValue|[0]), to_string(remainingResources[?name==`MEMORY`].integerValue|[0])]' |
    python3 -c 'import json, sys; [print("    %s has %s CPU units and %s MiB left" % tuple(row)) for row in json.load(sys.stdin)]'

echo "bridge: an address of docker0, and a port of the instance"
bridge=$(define bridge '[{"containerPort":80,"protocol":"tcp"}]' "")
b1=$(start "$one" "$bridge")
b2=$(start "$one" "$bridge")
running "$b1" "$b2"
p1=$(host_port "$b1")
p2=$(host_port "$b2")
[ "$p1" != "$p2" ] || fail "both tasks have host port $p1"
done_with "two copies of one task on $first"
for pair in "$b1 $p1" "$b2 $p2"; do
    read -r task port <<<"$pair"
    answer "http://$public:$port/"
    [ "$(field Task <<<"$page")" = "$task" ] || fail "http://$public:$port/ is not $task"
    say "http://$public:$port/ is ${task##*/}, which has $(field 'Private address' <<<"$page") on docker0"
done
done_with "each answers on a dynamic host port of its own"

echo "host: the instance's own network"
host=$(define host '[{"containerPort":80,"hostPort":80,"protocol":"tcp"}]' "")
h1=$(start "$one" "$host")
running "$h1"
answer "http://$public/"
[ "$(field Task <<<"$page")" = "$h1" ] || fail "http://$public/ is not $h1"
say "http://$public/ is ${h1##*/}, which has the instance's address $(field 'Private address' <<<"$page")"
done_with "one task on port 80 of $first"
refused=$(start "$one" "$host")
[ "$refused" = "RESOURCE:PORTS" ] || fail "a second copy: $refused"
done_with "a second copy there is refused: RESOURCE:PORTS"

echo "awsvpc: an interface of the task's own"
awsvpc=$(define awsvpc '[{"containerPort":80,"protocol":"tcp"}]' "")
a1=$(start "$one" "$awsvpc" --network-configuration "$network")
a2=$(start "$one" "$awsvpc" --network-configuration "$network")
running "$a1" "$a2"
refused=$(start "$one" "$awsvpc" --network-configuration "$network")
[ "$refused" = "RESOURCE:ENI" ] || fail "a third task with an interface: $refused"
done_with "a c5.large takes two, and refuses the third: RESOURCE:ENI"
addresses=$(aws ecs describe-tasks --cluster $cluster --tasks "$a1" "$a2" --query \
    "tasks[].attachments[0].details[?name=='privateIPv4Address'].value[]")
ask=$(printf 'for address in %s; do echo "$address says $(timeout 5 wget -q -O - http://$address/healthz)"; done' "$addresses" | tr '\t' ' ')
asking=$(define bridge '[]' ",\"entryPoint\":[\"sh\",\"-c\"],\"command\":[\"${ask//\"/\\\"}\"]")
b3=$(start "$two" "$asking")
until_true "the answers" has_lines "$b3"
[ "$(lines_of "$b3" | grep -c 'says ok')" = 2 ] || fail "asked from a bridge task on $second: $(lines_of "$b3")"
lines_of "$b3" | sed 's/^/    asked from a bridge task on the other instance: /'
done_with "both serve port 80, to whom their group allows"

echo "none: a loopback and nothing else"
none=$(define none '[]' ',"entryPoint":["sh","-c"],"command":["ip -o -4 addr show"]')
n1=$(start "$one" "$none")
until_true "what it sees" has_lines "$n1"
[ "$(lines_of "$n1" | grep -vc '127.0.0.1/8')" = 0 ] || fail "more than a loopback: $(lines_of "$n1")"
lines_of "$n1" | sed 's/^ */    /'
done_with "a task without a network"

echo "A trunk"
aws ecs put-account-setting --name awsvpcTrunking --value enabled >/dev/null
third=$(run_instances 1)
until_true "$third to register" is_registered "$third"
three=$(registered "$third")
trunk=$(aws ecs list-attributes --cluster $cluster --target-type container-instance --attribute-name ecs.awsvpc-trunk-id \
    --query "attributes[?targetId=='$three'].value")
[[ $trunk == eni-* ]] || fail "$third has no trunk: $trunk"
done_with "opted in to awsvpcTrunking; a new instance has one"
many=$(aws ecs run-task --cluster $cluster --task-definition "$awsvpc" --launch-type EC2 --count 10 \
    --network-configuration "$network" --placement-constraints "type=memberOf,expression='ec2InstanceId == $third'" \
    --query 'tasks[].taskArn')
# shellcheck disable=SC2086
running $many
[ "$(wc -w <<<"$many")" = 10 ] || fail "not ten tasks: $many"
refused=$(start "$three" "$awsvpc" --network-configuration "$network")
[ "$refused" = "RESOURCE:ENI" ] || fail "an eleventh task: $refused"
done_with "it takes ten tasks, and refuses the eleventh: RESOURCE:ENI"
refused=$(start "$one" "$awsvpc" --network-configuration "$network")
[ "$refused" = "RESOURCE:ENI" ] || fail "the old instance took a third task: $refused"
done_with "an instance from before stays at two"
vlans=$(aws ec2 describe-trunk-interface-associations --query \
    "sort_by(InterfaceAssociations[?TrunkInterfaceId=='$trunk'], &VlanId)[].VlanId" | tr '\t' ' ')
[ "$(wc -w <<<"$vlans")" = 10 ] || fail "not ten branches on $trunk: $vlans"
say "$trunk carries VLANs $vlans"
done_with "describe-trunk-interface-associations"

echo "The end"
aws ecs update-container-instances-state --cluster $cluster --container-instances "$two" --status DRAINING \
    --query 'containerInstances[0].status' >/dev/null
refused=$(aws ecs run-task --cluster $cluster --task-definition "$host" --launch-type EC2 --placement-constraints \
    "type=memberOf,expression='ec2InstanceId == $second'" --query '[tasks[].taskArn, failures[].reason][]' 2>&1 || true)
[[ $refused != arn:* ]] || fail "a draining instance took $refused"
done_with "$second drains: nothing new is placed there"
aws ec2 terminate-instances --instance-ids "$first" "$second" "$third" >/dev/null
states() { aws ec2 describe-instances --instance-ids "$first" "$second" "$third" \
    --query 'Reservations[].Instances[].[State.Name]' | sort -u; }
until_true "the instances to be terminated" is terminated states
until_true "$h1 to stop" is STOPPED status "$h1"
reason=$(aws ecs describe-tasks --cluster $cluster --tasks "$h1" --query 'tasks[0].stoppedReason')
[ "$reason" = "Host EC2 (instance $first) terminated." ] || fail "stopped for another reason: $reason"
say "$reason"
done_with "terminate-instances: tasks end with their host"
aws ecs put-account-setting --name awsvpcTrunking --value disabled >/dev/null
no_interfaces() { [ "$(aws ec2 describe-network-interfaces --filters "Name=group-id,Values=$tasks,$hosts" \
    --query 'length(NetworkInterfaces)')" = 0 ]; }
until_true "the interfaces to go" no_interfaces
no_instances() { [ "$(aws ecs describe-clusters --clusters $cluster --query 'clusters[0].registeredContainerInstancesCount')" = 0 ]; }
until_true "the container instances to go" no_instances
aws ecs delete-cluster --cluster $cluster >/dev/null
aws ec2 delete-security-group --group-id "$tasks" >/dev/null
aws ec2 delete-security-group --group-id "$hosts" >/dev/null
done_with "interfaces, groups and cluster are gone"
printf '  %-66s %6d ms\n' "all of it" $(($(now) - began))
