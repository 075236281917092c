#!/bin/sh
# Tells which task, interface and container answers, asked now: the interface of the kernel, the rest of the
# metadata endpoint.

# field KEY: the first string or number under KEY in the JSON document on standard input.
field() {
    tr -d '\n' | sed 's/[][{},]/\n/g' | sed -n 's/^ *"'"$1"'" *: *"\{0,1\}\([^"]*[^" ]\)"\{0,1\} *$/\1/p' | head -n 1
}
escape() {
    sed 's/&/\&amp;/g; s/</\&lt;/g; s/>/\&gt;/g'
}
row() {
    printf '<tr><th>%s</th><td>%s</td></tr>\n' "$1" "$(printf '%s' "${2:-unknown}" | escape)"
}

container=$(timeout 2 wget -q -O - "$ECS_CONTAINER_METADATA_URI_V4" 2>/dev/null)
task=$(timeout 2 wget -q -O - "$ECS_CONTAINER_METADATA_URI_V4/task" 2>/dev/null)
# The interface is asked of the kernel, so that the page can be held against what the API says.
device=$(ip route | sed -n 's/^default.* dev \([^ ]*\).*/\1/p')
mac=$(cat "/sys/class/net/$device/address" 2>/dev/null)
address=$(ip -o -4 addr show dev "$device" 2>/dev/null | sed -n 's/.* inet \([0-9.]*\).*/\1/p')
of_container() { printf '%s' "$container" | field "$1"; }
of_task() { printf '%s' "$task" | field "$1"; }

echo "$REMOTE_ADDR $REQUEST_METHOD ${REQUEST_URI:-/}" >&3
printf 'Content-Type: text/html; charset=utf-8\r\n\r\n'
cat <<PAGE
<!doctype html>
<title>homeport/web</title>
<h1>It runs.</h1>
<table>
$(row Task "$(of_task TaskARN)")
$(row 'Task definition' "$(of_task Family):$(of_task Revision)")
$(row Container "$(of_container Name)")
$(row 'MAC address' "$mac")
$(row 'Private address' "$address")
$(row 'Private DNS name' "$(of_container PrivateDNSName)")
$(row 'Availability zone' "$(of_task AvailabilityZone)")
$(row Host "$(hostname)")
</table>
PAGE
