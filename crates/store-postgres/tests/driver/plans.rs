//! How the server goes about what the leader asks about schedules: by what is asked for, not by what there is.
//!
//! A statement of a connection is planned for its arguments at first, and after a few times for any: each plan must do.

use testkit::postgres::Database;

use crate::common::store;

/// As many schedules as one leader is to bear. None of them is due.
async fn filled() -> (store_postgres::PostgresStore, Database) {
    let (store, database) = store().await;
    let fill = "
        insert into schedules (namespace, name, spec, payload, state, next_at, look_at)
        select 'default', 's' || n, convert_to('{\"task\":\"work\"}', 'UTF8'), '{}', 'active', now(),
               now() + interval '1 day' + n * interval '1 ms'
        from generate_series(1, 100000) as n;
        analyze schedules";
    database.execute(fill).await;
    (store, database)
}

/// Gives each schedule a history, and lets a hundred be due.
async fn used(database: &Database) {
    let use_them = "
        insert into schedule_fires (schedule_id, instant, kind, job_id)
        select n, now() - h * interval '1 hour', 'clock', gen_random_uuid()
        from generate_series(1, 100000) as n, generate_series(1, 2) as h;
        insert into schedule_skips (schedule_id, from_instant, until_instant, kind, reason)
        select n, now(), now(), 'clock', 'overlap' from generate_series(1, 100000) as n;
        update schedules set look_at = now() where id % 1000 = 0;
        analyze schedules, schedule_fires, schedule_skips";
    database.execute(use_them).await;
}

/// What the server did for `sql` with these arguments, by the plan for them and by the plan for any.
async fn plans(database: &Database, sql: &str, arguments: &str) -> [String; 2] {
    let mut plans = [String::new(), String::new()];
    for (plan, mode) in plans.iter_mut().zip(["force_custom_plan", "force_generic_plan"]) {
        let explain = format!(
            "begin; set plan_cache_mode = {mode}; prepare asked as {sql};
             explain (analyze, buffers, costs off, timing off, summary off) execute asked({arguments}); rollback"
        );
        *plan = database.execute(&explain).await.join("\n");
    }
    plans
}

/// How many pages of tables and indexes the plan touched: its first line about them is the sum.
fn pages(plan: &str) -> u64 {
    let buffers = plan.lines().find_map(|line| line.trim().strip_prefix("Buffers: shared ")).unwrap_or("");
    let counts = buffers.split([' ', '=']).filter_map(|word| word.parse::<u64>().ok());
    counts.sum()
}

#[tokio::test]
async fn what_is_asked_about_schedules_costs_what_is_found() {
    let (_store, database) = filled().await;
    used(&database).await;
    let ids = "array[5,6,7]::bigint[]";
    let change = format!(
        "{ids}, array[1,1,1], array['a','a','a'], array[null,null,null]::text[], array[now(),now(),now()],
         array[now(),now(),now()], array[null,null,null]::text[], array['{{}}','{{}}','{{}}'],
         array[null,null,null]::bytea[], array[null,null,null]::bytea[], array[false,false,false],
         array[1,2,3], array[now(),now(),now()], array['clock','clock','clock'],
         array[gen_random_uuid(),gen_random_uuid(),gen_random_uuid()], '{{}}', '{{}}', '{{}}', '{{}}', '{{}}', '{{}}', '{{}}'"
    );
    // The tables have thousands of pages; touched are a few for each row that is found or changed.
    let cases = [
        (include_str!("../../sql/schedules_due.sql"), "1000", "schedules_look", 1_000),
        (
            include_str!("../../sql/schedules_page.sql"),
            "'default', 's5', '{}', null, 10",
            "schedules_name",
            100,
        ),
        (include_str!("../../sql/schedule.sql"), "'default', 's5'", "schedules_name", 20),
        (include_str!("../../sql/schedule_fates.sql"), "7, null, 10", "schedule_fires_pkey", 30),
        (include_str!("../../sql/schedule_fates.sql"), "7, null, 10", "schedule_skips_schedule", 30),
        (include_str!("../../sql/schedule_fired.sql"), "7, array[now(), now()]", "schedule_fires_pkey", 20),
        (include_str!("../../sql/schedule_disable.sql"), "7, 99, 'no'", "schedules_pkey", 20),
        (include_str!("../../sql/schedule_change.sql"), &change, "schedules_pkey", 150),
    ];

    for (sql, arguments, index, most) in cases {
        for plan in plans(&database, sql, arguments).await {
            assert!(plan.contains(&format!("using {index} on ")), "{index} is not in {plan}");
            for table in ["schedules", "schedule_fires", "schedule_skips"] {
                assert!(!plan.contains(&format!("Seq Scan on {table} ")), "{plan}");
            }
            assert!((1..=most).contains(&pages(&plan)), "{} pages: {plan}", pages(&plan));
        }
    }
}

#[tokio::test]
async fn where_nothing_is_due_a_look_touches_a_few_pages() {
    let (_store, database) = filled().await;

    for plan in plans(&database, include_str!("../../sql/schedules_due.sql"), "1000").await {
        assert!((1..=5).contains(&pages(&plan)), "{plan}");
    }
}
