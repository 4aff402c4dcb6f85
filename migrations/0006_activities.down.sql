DROP TABLE activity_tasks;
DROP TABLE activities;
