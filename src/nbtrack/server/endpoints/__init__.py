"""The endpoints: functions of what they serve and a request; they know no transport."""
