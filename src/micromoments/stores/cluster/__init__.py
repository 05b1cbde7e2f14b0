"""Many processes: the log is Kafka, the online state is Redis or Valkey; the same file names as ``embedded``."""
