DROP TABLE history, executions;
