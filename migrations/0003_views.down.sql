DROP VIEW node_loads, finished_executions, running_executions;
