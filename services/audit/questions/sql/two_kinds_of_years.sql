-- 自然年与学年两套账:同一笔发放分别归入发放日所在自然年与学期所属学年;两者不一致的行标明。
-- Calendar-year books beside school-year books: each payment by the year it was paid in and the school year it was for.
SELECT payment.school_code,
       extract(year FROM payment.paid_on)::int AS calendar_year,
       CASE WHEN right(payment.term, 7) = '-autumn'
            THEN substr(payment.term, 1, 4) || '/' || (substr(payment.term, 1, 4)::int + 1)
            ELSE (substr(payment.term, 1, 4)::int - 1) || '/' || substr(payment.term, 1, 4) END AS school_year,
       payment.term,
       extract(year FROM payment.paid_on)::int <> substr(payment.term, 1, 4)::int AS apart,
       count(*) AS times,
       sum(payment.amount_fen)::bigint AS amount_fen,
       (array_agg('disbursement#' || payment.log_index ORDER BY payment.log_index))[1:20] AS evidence
FROM payments_payments AS payment
WHERE payment.valid_from <= :true_on AND payment.valid_to > :true_on AND payment.paid_on <= :true_on
GROUP BY payment.school_code, calendar_year, school_year, payment.term, apart
ORDER BY payment.school_code, payment.term, calendar_year
