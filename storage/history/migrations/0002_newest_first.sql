CREATE INDEX IF NOT EXISTS `executions_newest_first` ON `executions` (`sandbox_uid`,`past`,`created_at` desc,`name` desc);--> statement-breakpoint
CREATE INDEX IF NOT EXISTS `executions_of_status_newest_first` ON `executions` (`sandbox_uid`,`past`,`status`,`created_at` desc,`name` desc);--> statement-breakpoint
CREATE INDEX IF NOT EXISTS `sandboxes_newest_first` ON `sandboxes` (`namespace`,`past`,`created_at` desc,`name` desc);--> statement-breakpoint
CREATE INDEX IF NOT EXISTS `sandboxes_of_status_newest_first` ON `sandboxes` (`namespace`,`past`,`status`,`created_at` desc,`name` desc);--> statement-breakpoint
CREATE INDEX IF NOT EXISTS `sandboxes_of_template_newest_first` ON `sandboxes` (`namespace`,`past`,`template_id`,`created_at` desc,`name` desc);--> statement-breakpoint
CREATE INDEX IF NOT EXISTS `sandboxes_of_template_and_status_newest_first` ON `sandboxes` (`namespace`,`past`,`template_id`,`status`,`created_at` desc,`name` desc);--> statement-breakpoint
DROP INDEX IF EXISTS `executions_newest` ON `executions`;--> statement-breakpoint
DROP INDEX IF EXISTS `executions_of_status` ON `executions`;--> statement-breakpoint
DROP INDEX IF EXISTS `sandboxes_newest` ON `sandboxes`;--> statement-breakpoint
DROP INDEX IF EXISTS `sandboxes_of_status` ON `sandboxes`;--> statement-breakpoint
DROP INDEX IF EXISTS `sandboxes_of_template` ON `sandboxes`;--> statement-breakpoint
DROP INDEX IF EXISTS `sandboxes_of_template_and_status` ON `sandboxes`;