CREATE TABLE IF NOT EXISTS `audit` (
	`id` bigint unsigned AUTO_INCREMENT NOT NULL,
	`at` datetime(3) NOT NULL,
	`request_id` varchar(128) character set utf8mb4 collate utf8mb4_nopad_bin NOT NULL,
	`principal` varchar(255) character set utf8mb4 collate utf8mb4_nopad_bin NOT NULL,
	`namespace` varchar(63) character set ascii collate ascii_nopad_bin NOT NULL,
	`action` varchar(64) character set ascii collate ascii_nopad_bin NOT NULL,
	`method` varchar(16) character set ascii collate ascii_nopad_bin NOT NULL,
	`object_kind` varchar(32) character set ascii collate ascii_nopad_bin,
	`object_id` varchar(253) character set utf8mb4 collate utf8mb4_nopad_bin,
	`outcome` varchar(16) character set ascii collate ascii_nopad_bin NOT NULL,
	`status` smallint NOT NULL,
	`request_bytes` bigint unsigned,
	`duration_ms` double NOT NULL,
	CONSTRAINT `audit_id` PRIMARY KEY(`id`)
);
--> statement-breakpoint
CREATE TABLE IF NOT EXISTS `executions` (
	`uid` varchar(64) character set ascii collate ascii_nopad_bin NOT NULL,
	`namespace` varchar(63) character set ascii collate ascii_nopad_bin NOT NULL,
	`name` varchar(253) character set ascii collate ascii_nopad_bin NOT NULL,
	`rest_id` varchar(253) character set utf8mb4 collate utf8mb4_nopad_bin NOT NULL,
	`created_at` datetime(3) NOT NULL,
	`sandbox_uid` varchar(64) character set ascii collate ascii_nopad_bin NOT NULL,
	`sandbox_name` varchar(63) character set ascii collate ascii_nopad_bin NOT NULL,
	`status` varchar(16) character set ascii collate ascii_nopad_bin NOT NULL,
	`reason` varchar(64) character set ascii collate ascii_nopad_bin,
	`language` varchar(16) character set ascii collate ascii_nopad_bin NOT NULL,
	`exit_code` int,
	`duration_ms` double,
	`finished_at` datetime(3),
	`object` longtext character set utf8mb4 collate utf8mb4_nopad_bin NOT NULL,
	`resource_version` varchar(128) character set ascii collate ascii_nopad_bin NOT NULL,
	`mirrored_at` datetime(3) NOT NULL,
	`deleted_at` datetime(3),
	`expired_at` datetime(3),
	`gone_at` datetime(3),
	`sequence` bigint unsigned NOT NULL,
	`fence` bigint unsigned NOT NULL,
	`past` boolean GENERATED ALWAYS AS ((expired_at is not null and deleted_at is null)) STORED,
	CONSTRAINT `executions_uid` PRIMARY KEY(`uid`)
);
--> statement-breakpoint
CREATE TABLE IF NOT EXISTS `leader` (
	`id` tinyint NOT NULL,
	`fence` bigint unsigned NOT NULL,
	`lease` varchar(128) character set ascii collate ascii_nopad_bin NOT NULL,
	`transitions` bigint unsigned NOT NULL,
	CONSTRAINT `leader_id` PRIMARY KEY(`id`)
);
--> statement-breakpoint
CREATE TABLE IF NOT EXISTS `sandbox_templates` (
	`uid` varchar(64) character set ascii collate ascii_nopad_bin NOT NULL,
	`namespace` varchar(63) character set ascii collate ascii_nopad_bin NOT NULL,
	`name` varchar(253) character set ascii collate ascii_nopad_bin NOT NULL,
	`rest_id` varchar(253) character set utf8mb4 collate utf8mb4_nopad_bin NOT NULL,
	`created_at` datetime(3) NOT NULL,
	`object` longtext character set utf8mb4 collate utf8mb4_nopad_bin NOT NULL,
	`resource_version` varchar(128) character set ascii collate ascii_nopad_bin NOT NULL,
	`mirrored_at` datetime(3) NOT NULL,
	`deleted_at` datetime(3),
	`expired_at` datetime(3),
	`gone_at` datetime(3),
	`sequence` bigint unsigned NOT NULL,
	`fence` bigint unsigned NOT NULL,
	CONSTRAINT `sandbox_templates_uid` PRIMARY KEY(`uid`)
);
--> statement-breakpoint
CREATE TABLE IF NOT EXISTS `sandboxes` (
	`uid` varchar(64) character set ascii collate ascii_nopad_bin NOT NULL,
	`namespace` varchar(63) character set ascii collate ascii_nopad_bin NOT NULL,
	`name` varchar(253) character set ascii collate ascii_nopad_bin NOT NULL,
	`rest_id` varchar(253) character set utf8mb4 collate utf8mb4_nopad_bin NOT NULL,
	`created_at` datetime(3) NOT NULL,
	`status` varchar(16) character set ascii collate ascii_nopad_bin NOT NULL,
	`reason` varchar(64) character set ascii collate ascii_nopad_bin,
	`template_id` varchar(253) character set utf8mb4 collate utf8mb4_nopad_bin NOT NULL,
	`ended_at` datetime(3),
	`object` longtext character set utf8mb4 collate utf8mb4_nopad_bin NOT NULL,
	`resource_version` varchar(128) character set ascii collate ascii_nopad_bin NOT NULL,
	`mirrored_at` datetime(3) NOT NULL,
	`deleted_at` datetime(3),
	`expired_at` datetime(3),
	`gone_at` datetime(3),
	`sequence` bigint unsigned NOT NULL,
	`fence` bigint unsigned NOT NULL,
	`past` boolean GENERATED ALWAYS AS ((expired_at is not null and deleted_at is null)) STORED,
	CONSTRAINT `sandboxes_uid` PRIMARY KEY(`uid`)
);
--> statement-breakpoint
CREATE INDEX IF NOT EXISTS `audit_at` ON `audit` (`at`);--> statement-breakpoint
CREATE INDEX IF NOT EXISTS `audit_of_object` ON `audit` (`object_id`,`at`);--> statement-breakpoint
CREATE INDEX IF NOT EXISTS `audit_of_principal` ON `audit` (`principal`,`at`);--> statement-breakpoint
CREATE INDEX IF NOT EXISTS `executions_by_rest_id` ON `executions` (`rest_id`,`namespace`,`created_at`);--> statement-breakpoint
CREATE INDEX IF NOT EXISTS `executions_newest` ON `executions` (`sandbox_uid`,`past`,`created_at`,`name`);--> statement-breakpoint
CREATE INDEX IF NOT EXISTS `executions_of_status` ON `executions` (`sandbox_uid`,`past`,`status`,`created_at`,`name`);--> statement-breakpoint
CREATE INDEX IF NOT EXISTS `executions_gone` ON `executions` (`gone_at`);--> statement-breakpoint
CREATE INDEX IF NOT EXISTS `executions_leaving` ON `executions` (`past`,`gone_at`);--> statement-breakpoint
CREATE INDEX IF NOT EXISTS `sandbox_templates_by_rest_id` ON `sandbox_templates` (`rest_id`,`namespace`,`created_at`);--> statement-breakpoint
CREATE INDEX IF NOT EXISTS `sandbox_templates_gone` ON `sandbox_templates` (`gone_at`);--> statement-breakpoint
CREATE INDEX IF NOT EXISTS `sandboxes_by_rest_id` ON `sandboxes` (`rest_id`,`namespace`,`created_at`);--> statement-breakpoint
CREATE INDEX IF NOT EXISTS `sandboxes_newest` ON `sandboxes` (`namespace`,`past`,`created_at`,`name`);--> statement-breakpoint
CREATE INDEX IF NOT EXISTS `sandboxes_of_status` ON `sandboxes` (`namespace`,`past`,`status`,`created_at`,`name`);--> statement-breakpoint
CREATE INDEX IF NOT EXISTS `sandboxes_of_template` ON `sandboxes` (`namespace`,`past`,`template_id`,`created_at`,`name`);--> statement-breakpoint
CREATE INDEX IF NOT EXISTS `sandboxes_of_template_and_status` ON `sandboxes` (`namespace`,`past`,`template_id`,`status`,`created_at`,`name`);--> statement-breakpoint
CREATE INDEX IF NOT EXISTS `sandboxes_gone` ON `sandboxes` (`gone_at`);--> statement-breakpoint
CREATE INDEX IF NOT EXISTS `sandboxes_leaving` ON `sandboxes` (`past`,`gone_at`);