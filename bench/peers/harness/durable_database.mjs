// SQLite for servers of peers that bring none, as durable as Tombolo's own: a commit is on disk.
import { DatabaseSync } from "node:sqlite";

export function openDatabase(file, tables) {
  const database = new DatabaseSync(file);
  database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA page_size = 8192;");
  database.exec(tables);
  return database;
}

export function inTransaction(database, work) {
  database.exec("BEGIN IMMEDIATE");
  try {
    const value = work();
    database.exec("COMMIT");
    return value;
  } catch (error) {
    database.exec("ROLLBACK");
    throw error;
  }
}
