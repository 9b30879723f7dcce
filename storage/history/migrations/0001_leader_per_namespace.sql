CREATE TABLE IF NOT EXISTS `leaders` (
	`namespace` varchar(63) character set ascii collate ascii_nopad_bin NOT NULL,
	`fence` bigint unsigned NOT NULL,
	`lease` varchar(128) character set ascii collate ascii_nopad_bin NOT NULL,
	`transitions` bigint unsigned NOT NULL,
	CONSTRAINT `leaders_namespace` PRIMARY KEY(`namespace`)
);
