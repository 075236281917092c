#!/bin/bash
# A service in two availability zones behind a load balancer, found by name, and a new revision of it under load.
# Needs AWS_ENDPOINT_URL and keys in the environment, and a resolver that knows Homeport's names, as there is in a lab:
#   homeport lab -- examples/web-service/run.sh
set -euo pipefail
cd "$(dirname "$0")"
export AWS_PAGER="" AWS_DEFAULT_OUTPUT=text

now() { date +%s%3N; }
began=$(now)
step_began=$began
done_with() {
    local at
    at=$(now)
    printf '  %-64s %6d ms\n' "$1" $((at - step_began))
    step_began=$(now)
}
fail() {
    echo "FAILED: $*" >&2
    aws ecs describe-services --cluster shop --services front api --output json \
        --query 'services[].[serviceName, runningCount, events[:8].message]' >&2 || true
    for group in ${front_group:-} ${api_group:-}; do
        aws elbv2 describe-target-health --target-group-arn "$group" --output json >&2 || true
    done
    exit 1
}
fetch() { curl --silent --show-error --fail --max-time 30 "$@"; }
load=""
trap '[ -z "$load" ] || kill "$load" 2>/dev/null || true' EXIT

# --- A VPC with a public subnet in each of two availability zones

vpc=$(aws ec2 create-vpc --cidr-block 10.20.0.0/16 --query Vpc.VpcId)
a=$(aws ec2 create-subnet --vpc-id "$vpc" --cidr-block 10.20.1.0/24 --availability-zone us-east-1a --query Subnet.SubnetId)
b=$(aws ec2 create-subnet --vpc-id "$vpc" --cidr-block 10.20.2.0/24 --availability-zone us-east-1b --query Subnet.SubnetId)
gateway=$(aws ec2 create-internet-gateway --query InternetGateway.InternetGatewayId)
aws ec2 attach-internet-gateway --internet-gateway-id "$gateway" --vpc-id "$vpc"
table=$(aws ec2 describe-route-tables --filters "Name=vpc-id,Values=$vpc" --query 'RouteTables[0].RouteTableId')
aws ec2 create-route --route-table-id "$table" --destination-cidr-block 0.0.0.0/0 --gateway-id "$gateway" >/dev/null
done_with "a VPC with two subnets and a way out"

# --- Security groups in a chain: anybody may ask the load balancer, and it alone the tasks

balancer_rules=$(aws ec2 create-security-group --group-name shop-balancer --description "port 80 from anywhere" \
    --vpc-id "$vpc" --query GroupId)
aws ec2 authorize-security-group-ingress --group-id "$balancer_rules" --protocol tcp --port 80 --cidr 0.0.0.0/0 >/dev/null
task_rules=$(aws ec2 create-security-group --group-name shop-tasks --description "port 80 from the load balancer" \
    --vpc-id "$vpc" --query GroupId)
aws ec2 authorize-security-group-ingress --group-id "$task_rules" --protocol tcp --port 80 \
    --source-group "$balancer_rules" >/dev/null
done_with "security groups: anybody -> load balancer -> tasks"

# --- A load balancer with a rule by path and one by host name

balancer=$(aws elbv2 create-load-balancer --name shop --subnets "$a" "$b" --security-groups "$balancer_rules" \
    --query 'LoadBalancers[0].LoadBalancerArn')
read -r name zone_of_balancer < <(aws elbv2 describe-load-balancers --load-balancer-arns "$balancer" \
    --query 'LoadBalancers[0].[DNSName, CanonicalHostedZoneId]')
target_group() {
    aws elbv2 create-target-group --name "$1" --target-type ip --protocol HTTP --port 80 --vpc-id "$vpc" \
        --health-check-path /healthz --health-check-interval-seconds 5 --health-check-timeout-seconds 2 \
        --healthy-threshold-count 2 --unhealthy-threshold-count 2 --query 'TargetGroups[0].TargetGroupArn'
}
front_group=$(target_group front)
api_group=$(target_group api)
for group in "$front_group" "$api_group"; do
    aws elbv2 modify-target-group-attributes --target-group-arn "$group" \
        --attributes Key=deregistration_delay.timeout_seconds,Value=5 >/dev/null
done
listener=$(aws elbv2 create-listener --load-balancer-arn "$balancer" --protocol HTTP --port 80 \
    --default-actions "Type=forward,TargetGroupArn=$front_group" --query 'Listeners[0].ListenerArn')
aws elbv2 create-rule --listener-arn "$listener" --priority 10 --conditions 'Field=path-pattern,Values=/api/*' \
    --actions "Type=forward,TargetGroupArn=$api_group" >/dev/null
aws elbv2 create-rule --listener-arn "$listener" --priority 20 --conditions Field=host-header,Values=api.shop.example \
    --actions "Type=forward,TargetGroupArn=$api_group" >/dev/null
aws elbv2 wait load-balancer-available --load-balancer-arns "$balancer" || fail "the load balancer is not available"
done_with "a load balancer, two target groups, a path and a host rule"

# --- Names for it

zone=$(aws route53 create-hosted-zone --name shop.example --caller-reference "shop-$began" --query HostedZone.Id)
alias_of() { # ACTION: the change batch that makes or deletes www and api
    local records=()
    for host in www api; do
        records+=("{\"Action\": \"$1\", \"ResourceRecordSet\": {\"Name\": \"$host.shop.example\", \"Type\": \"A\",
            \"AliasTarget\": {\"HostedZoneId\": \"$zone_of_balancer\", \"DNSName\": \"$name\",
                \"EvaluateTargetHealth\": false}}}")
    done
    echo "{\"Changes\": [${records[0]}, ${records[1]}]}"
}
change=$(aws route53 change-resource-record-sets --hosted-zone-id "$zone" --change-batch "$(alias_of CREATE)" \
    --query ChangeInfo.Id)
aws route53 wait resource-record-sets-changed --id "$change" || fail "the names are not in sync"
done_with "www.shop.example and api.shop.example are aliases of it"

# --- Two services

aws ecs create-cluster --cluster-name shop >/dev/null
network="awsvpcConfiguration={subnets=[$a,$b],securityGroups=[$task_rules],assignPublicIp=ENABLED}"
service() { # NAME TARGET-GROUP
    aws ecs register-task-definition --cli-input-json "file://$1.json" >/dev/null
    aws ecs create-service --cluster shop --service-name "$1" --task-definition "shop-$1" --desired-count 2 \
        --launch-type FARGATE --network-configuration "$network" \
        --load-balancers "targetGroupArn=$2,containerName=web,containerPort=80" >/dev/null
}
service front "$front_group"
service api "$api_group"
aws ecs wait services-stable --cluster shop --services front api || fail "the services are not stable"
for group in "$front_group" "$api_group"; do
    aws elbv2 wait target-in-service --target-group-arn "$group" || fail "the targets are not healthy"
done
done_with "two services of two tasks each, all of them healthy targets"

tasks=$(aws ecs list-tasks --cluster shop --service-name front --query taskArns)
zones=$(aws ecs describe-tasks --cluster shop --tasks $tasks --query 'tasks[].[availabilityZone]' | sort)
[ "$zones" = $'us-east-1a\nus-east-1b' ] || fail "the tasks of front are in: $zones"
done_with "the tasks of front are in two availability zones"

# --- Who answers

page=$(fetch http://www.shop.example/) || fail "no page at www.shop.example"
grep -q shop-front:1 <<<"$page" || fail "www.shop.example answers: $page"
fetch "http://$name/" | grep -q shop-front:1 || fail "$name does not answer"
[ "$(fetch http://www.shop.example/api/stock)" = "all is in stock" ] || fail "the path rule does not hold"
[ "$(fetch http://api.shop.example/stock)" = "all is in stock" ] || fail "the host rule does not hold"
done_with "the name, the path rule and the host rule lead to the right tasks"

seen=$(for _ in $(seq 12); do fetch http://www.shop.example/ | grep 'Private address'; done | sort -u | wc -l)
[ "$seen" = 2 ] || fail "$seen of two tasks were seen to answer"
done_with "both tasks of front answer in turn"

interfaces=$(aws ecs describe-tasks --cluster shop --tasks $tasks \
    --query "tasks[].attachments[].details[?name=='networkInterfaceId'].value[]")
for address in $(aws ec2 describe-network-interfaces --network-interface-ids $interfaces \
    --query 'NetworkInterfaces[].Association.PublicIp'); do
    ! curl --silent --output /dev/null --max-time 1 "http://$address/" || fail "$address answers though no rule allows it"
done
done_with "nobody but the load balancer reaches a task"

# --- A new revision, while people look

./load.py http://www.shop.example/healthz 40 >/tmp/load.$$ &
load=$!
sed 's/blue/green/' front.json >/tmp/front.$$.json
aws ecs register-task-definition --cli-input-json "file:///tmp/front.$$.json" >/dev/null
aws ecs update-service --cluster shop --service front --task-definition shop-front >/dev/null
aws ecs wait services-stable --cluster shop --services front || fail "the new revision is not stable"
kill "$load"
wait "$load" || fail "under load: $(cat /tmp/load.$$)"
load=""
counted=$(cat /tmp/load.$$)
rm -f /tmp/load.$$ /tmp/front.$$.json
for _ in $(seq 6); do
    fetch http://www.shop.example/ | grep -q shop-front:2 || fail "an old task answers"
done
done_with "a new revision: $counted"
aws ecs describe-services --cluster shop --services front --query 'reverse(services[0].events[].message)' | tr '\t' '\n' |
    sed 's/^/    /'
step_began=$(now)

# --- The end

for name_of in front api; do
    aws ecs delete-service --cluster shop --service "$name_of" --force >/dev/null
done
aws ecs wait services-inactive --cluster shop --services front api || fail "the services do not end"
aws elbv2 delete-load-balancer --load-balancer-arn "$balancer"
aws elbv2 wait load-balancers-deleted --load-balancer-arns "$balancer" || fail "the load balancer does not end"
for group in "$front_group" "$api_group"; do aws elbv2 delete-target-group --target-group-arn "$group"; done
aws route53 change-resource-record-sets --hosted-zone-id "$zone" --change-batch "$(alias_of DELETE)" >/dev/null
aws route53 delete-hosted-zone --id "$zone" >/dev/null
for _ in $(seq 100); do
    left=$(aws ec2 describe-network-interfaces --filters "Name=vpc-id,Values=$vpc" --query 'length(NetworkInterfaces)')
    [ "$left" = 0 ] && break
    sleep 0.2
done
[ "$left" = 0 ] || fail "$left interfaces are left"
aws ec2 delete-security-group --group-id "$task_rules" >/dev/null
aws ec2 delete-security-group --group-id "$balancer_rules" >/dev/null
aws ec2 detach-internet-gateway --internet-gateway-id "$gateway" --vpc-id "$vpc"
aws ec2 delete-internet-gateway --internet-gateway-id "$gateway"
aws ec2 delete-subnet --subnet-id "$a"
aws ec2 delete-subnet --subnet-id "$b"
aws ec2 delete-vpc --vpc-id "$vpc"
done_with "everything deleted"
printf '  %-64s %6d ms\n' "all of it" $(($(now) - began))
