DROP TABLE nodes, functions, revisions, state_machines, settings;
