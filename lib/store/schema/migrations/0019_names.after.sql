create index concurrently if not exists messages_named
  on messages (lower(webhook_type collate "C"), id) where source = 'generic';
