#!/bin/sh
# The pass of the old kind, for the comparison: cron runs it every minute on each node.
LOCK=/var/lib/connector/old.lock
[ -f $LOCK ] && exit 0
touch $LOCK

MOUNTED=`mount | grep /dev/drbd0 | wc -l`
STANDALONE=`cat /proc/drbd | grep "^ 0:" | grep StandAlone | wc -l`
WFCONNECTION=`cat /proc/drbd | grep "^ 0:" | grep WFConnection | wc -l`
SECONDARY=`cat /proc/drbd | grep "^ 0:" | grep "ro:Secondary" | wc -l`

if [ $STANDALONE -gt 0 ]; then
    if [ $MOUNTED -gt 0 ]; then
        drbdadm connect all
    else
        drbdadm secondary all
        drbdadm -- --discard-my-data connect all
    fi
fi
if [ $WFCONNECTION -gt 0 ] && [ $MOUNTED -eq 0 ] && [ $SECONDARY -eq 0 ]; then
    drbdadm secondary all
fi

rm -f $LOCK
