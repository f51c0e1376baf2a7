-- 首位数字(本福特)筛查:每校每月发放合计的首位数字与理论分布之差。标准金额固定,单笔金额不适用此法;只作线索。
-- Benford's law over the sums of each school and month (single amounts are set by rates and prove nothing); a hint only.
WITH sums AS (
    SELECT school_code, date_trunc('month', paid_on) AS month, sum(amount_fen) / 100 AS yuan, min(log_index) AS log_index
    FROM payments_payments
    WHERE valid_from <= :true_on AND valid_to > :true_on AND paid_on <= :true_on
    GROUP BY school_code, month
    HAVING sum(amount_fen) >= 100
), digits AS (
    SELECT left(trunc(yuan)::text, 1)::int AS digit, log_index FROM sums
), total AS (
    SELECT count(*) AS n FROM digits
)
SELECT digit,
       count(digits.log_index) AS found,
       round((total.n * log(1 + 1.0 / digit))::numeric, 2)::float AS expected,
       round(((count(digits.log_index) - total.n * log(1 + 1.0 / digit)) ^ 2
              / nullif(total.n * log(1 + 1.0 / digit), 0))::numeric, 3)::float AS chi_square,
       total.n AS sums,
       (array_agg('disbursement#' || digits.log_index ORDER BY digits.log_index)
           FILTER (WHERE digits.log_index IS NOT NULL))[1:20] AS evidence
FROM generate_series(1, 9) AS digit
CROSS JOIN total
LEFT JOIN digits USING (digit)
GROUP BY digit, total.n
ORDER BY digit
