"""Which moves did each version allow that was released?

Written by `python lint/released.py`, once for each release; never changed by hand.
An old entry is judged by the moves of the version that wrote it. Each line names
the versions, the tables, the event, from where to where it leads, and the roles.
"""

RELEASED = """
call | announce_reopening | suspended > = | manager | 0.2 0.3 0.4
call | annul_call | closed concluded open published suspended > annulled | manager | 0.2 0.3 0.4
call | apply_version | closed open published suspended > = | system | 0.2 0.3 0.4
call | change_call | closed open published suspended > = | administrator manager | 0.2 0.3 0.4
call | change_call | none > = | administrator manager responsible | 0.1
call | close_call | open published suspended > closed | manager system | 0.2 0.3 0.4
call | conclude_call | closed > concluded | manager | 0.2 0.3 0.4
call | conclude_call | concluded > = | manager | 0.2 0.3 0.4
call | decide_malfunction | closed open published suspended > = | manager | 0.2 0.3 0.4
call | extend_call | closed > open | manager | 0.2 0.3 0.4
call | extend_call | open published suspended > = | manager | 0.2 0.3 0.4
call | load_call | none > = | administrator manager responsible | 0.1
call | load_call | none > published | administrator manager responsible | 0.2 0.3 0.4
call | open_call | published > open | system | 0.2 0.3 0.4
call | record_draw | closed open suspended > = | manager | 0.2 0.3 0.4
call | record_malfunction | closed open published suspended > = | responsible | 0.2 0.3 0.4
call | refinance_call | closed open published suspended > = | manager | 0.2 0.3 0.4
call | reopen_call | suspended > open | system | 0.2 0.3 0.4
call | suspend_call | open > suspended | manager responsible system | 0.2 0.3 0.4
call | suspend_call | published > suspended | manager responsible | 0.2 0.3 0.4
negotiated_counter plain_counter | admit | submitted > admissible | responsible | 0.2 0.3 0.4
negotiated_counter plain_counter | annul | accepted admissible completed evaluated in_progress submitted waiting > annulled | manager | 0.2 0.3 0.4
negotiated_counter plain_counter | answer_completion | submitted > = | intake | 0.2 0.3 0.4
negotiated_counter plain_counter | approve_variation | in_progress > = | responsible | 0.2 0.3 0.4
negotiated_counter plain_counter | confirm_cor | accepted in_progress > = | officer | 0.2 0.3 0.4
negotiated_counter plain_counter | declare_end | in_progress > = | intake system | 0.2 0.3 0.4
negotiated_counter plain_counter | declare_inadmissible | submitted > inadmissible | manager | 0.2 0.3 0.4
negotiated_counter plain_counter | declare_not_receivable | submitted > not_receivable | responsible | 0.2 0.3 0.4
negotiated_counter plain_counter | declare_unfunded | waiting > unfunded | manager | 0.2 0.3 0.4
negotiated_counter plain_counter | dismiss_lapse | accepted in_progress > = | manager | 0.2 0.3 0.4
negotiated_counter plain_counter | escalate_term | accepted admissible evaluated in_progress submitted waiting > = | system | 0.3 0.4
negotiated_counter plain_counter | evaluate | admissible > evaluated | evaluator | 0.2 0.3 0.4
negotiated_counter plain_counter | evaluate | evaluated > = | evaluator | 0.2 0.3 0.4
negotiated_counter plain_counter | expire | draft > expired | responsible system | 0.2 0.3 0.4
negotiated_counter plain_counter | expire_completion | submitted > = | responsible system | 0.2 0.3 0.4
negotiated_counter plain_counter | expire_observations | evaluated submitted > = | responsible system | 0.2 0.3 0.4
negotiated_counter plain_counter | expire_proposal | accepted in_progress > = | system | 0.3 0.4
negotiated_counter plain_counter | expire_term | accepted admissible evaluated in_progress submitted waiting > = | system | 0.3 0.4
negotiated_counter plain_counter | extend_term | accepted admissible evaluated in_progress submitted waiting > = | manager | 0.3 0.4
negotiated_counter plain_counter | file_observations | evaluated submitted > = | intake | 0.2 0.3 0.4
negotiated_counter plain_counter | file_report | in_progress > = | intake | 0.2 0.3 0.4
negotiated_counter plain_counter | grant_extension | in_progress > = | manager | 0.2 0.3 0.4
negotiated_counter plain_counter | lapse | accepted in_progress > lapsed | manager | 0.2 0.3 0.4
negotiated_counter plain_counter | notify_refusal | evaluated submitted > = | responsible | 0.2 0.3 0.4
negotiated_counter plain_counter | promote | admissible evaluated submitted > = | responsible system | 0.2 0.3 0.4
negotiated_counter plain_counter | promote | waiting > evaluated | responsible system | 0.2 0.3 0.4
negotiated_counter plain_counter | promote | waiting > submitted | responsible system | 0.2 0.3 0.4
negotiated_counter plain_counter | propose_lapse | accepted in_progress > = | responsible system | 0.2 0.3 0.4
negotiated_counter plain_counter | put_on_waiting_list | evaluated > waiting | responsible system | 0.2 0.3 0.4
negotiated_counter plain_counter | record_delivery | accepted admissible annulled completed draft evaluated expired in_progress inadmissible lapsed not_receivable rejected revoked submitted unfunded waiting withdrawn > = | officer system | 0.3 0.4
negotiated_counter plain_counter | record_delivery | accepted admissible annulled completed evaluated in_progress inadmissible lapsed not_receivable rejected revoked submitted unfunded waiting withdrawn > = | officer system | 0.2
negotiated_counter plain_counter | register_draft | draft > = | intake system | 0.2 0.3 0.4
negotiated_counter plain_counter | reject | evaluated > rejected | manager | 0.2 0.3 0.4
negotiated_counter plain_counter | release_cor | accepted in_progress > = | system | 0.3 0.4
negotiated_counter plain_counter | release_notice | accepted admissible annulled completed draft evaluated expired in_progress inadmissible lapsed not_receivable rejected revoked submitted unfunded waiting withdrawn > = | responsible | 0.4
negotiated_counter plain_counter | remind_term | accepted admissible evaluated in_progress submitted waiting > = | system | 0.4
negotiated_counter plain_counter | renew_cor | accepted in_progress > = | officer | 0.3 0.4
negotiated_counter plain_counter | request_completion | submitted > = | responsible | 0.2 0.3 0.4
negotiated_counter plain_counter | resume_term | accepted admissible evaluated in_progress submitted waiting > = | system | 0.3 0.4
negotiated_counter plain_counter | revoke | accepted completed in_progress > revoked | manager | 0.2 0.3 0.4
negotiated_counter plain_counter | settle | in_progress > completed | manager | 0.2 0.3 0.4
negotiated_counter plain_counter | start | accepted > in_progress | intake | 0.2 0.3 0.4
negotiated_counter plain_counter | start_review | submitted > = | officer | 0.2 0.3 0.4
negotiated_counter plain_counter | submit | draft > submitted | intake system | 0.2 0.3 0.4
negotiated_counter plain_counter | submit | draft > waiting | intake system | 0.2 0.3 0.4
negotiated_counter plain_counter | uphold_observations | evaluated submitted > = | responsible | 0.2 0.3 0.4
negotiated_counter plain_counter | withdraw | accepted admissible evaluated in_progress submitted waiting > withdrawn | intake | 0.2 0.3 0.4
negotiated_counter plain_counter | yield_reservation | admissible evaluated submitted > = | system | 0.2 0.3 0.4
negotiated_counter plain_counter | yield_reservation | submitted > waiting | system | 0.2 0.3 0.4
negotiated_counter | accept | negotiating > accepted | intake | 0.1 0.2 0.3 0.4
negotiated_counter | admit | submitted > admissible | responsible | 0.1
negotiated_counter | annul | accepted admissible completed evaluated in_progress negotiating submitted waiting > annulled | manager | 0.1
negotiated_counter | annul | negotiating > annulled | manager | 0.2 0.3 0.4
negotiated_counter | answer_completion | submitted > = | intake | 0.1
negotiated_counter | approve_variation | in_progress > = | responsible | 0.1
negotiated_counter | confirm_cor | accepted in_progress negotiating > = | officer | 0.1
negotiated_counter | confirm_cor | negotiating > = | officer | 0.2 0.3 0.4
negotiated_counter | convene_negotiation | negotiating > = | responsible | 0.1 0.2 0.3 0.4
negotiated_counter | declare_end | in_progress > = | intake system | 0.1
negotiated_counter | declare_inadmissible | submitted > inadmissible | manager | 0.1
negotiated_counter | declare_not_receivable | submitted > not_receivable | responsible | 0.1
negotiated_counter | declare_unfunded | waiting > unfunded | manager | 0.1
negotiated_counter | determine_amount | negotiating > = | manager | 0.1 0.2 0.3 0.4
negotiated_counter | dismiss_lapse | accepted in_progress negotiating > = | manager | 0.1
negotiated_counter | dismiss_lapse | negotiating > = | manager | 0.2 0.3 0.4
negotiated_counter | escalate_term | negotiating > = | system | 0.3 0.4
negotiated_counter | evaluate | admissible > evaluated | evaluator | 0.1
negotiated_counter | evaluate | evaluated > = | evaluator | 0.1
negotiated_counter | expire | draft > expired | responsible system | 0.1
negotiated_counter | expire_completion | submitted > = | responsible system | 0.1
negotiated_counter | expire_observations | evaluated submitted > = | responsible system | 0.1
negotiated_counter | expire_proposal | negotiating > = | system | 0.3 0.4
negotiated_counter | expire_term | negotiating > = | system | 0.3 0.4
negotiated_counter | extend_term | negotiating > = | manager | 0.3 0.4
negotiated_counter | file_observations | evaluated submitted > = | intake | 0.1
negotiated_counter | file_plan | negotiating > = | intake | 0.1 0.2 0.3 0.4
negotiated_counter | file_report | in_progress > = | intake | 0.1
negotiated_counter | grant | evaluated > negotiating | manager | 0.1 0.2 0.3 0.4
negotiated_counter | grant_extension | in_progress > = | manager | 0.1
negotiated_counter | lapse | accepted in_progress negotiating > lapsed | manager | 0.1
negotiated_counter | lapse | negotiating > lapsed | manager | 0.2 0.3 0.4
negotiated_counter | notify_refusal | evaluated submitted > = | responsible | 0.1
negotiated_counter | promote | admissible evaluated submitted > = | responsible system | 0.1
negotiated_counter | promote | waiting > evaluated | responsible system | 0.1
negotiated_counter | propose_lapse | accepted in_progress negotiating > = | responsible system | 0.1
negotiated_counter | propose_lapse | negotiating > = | responsible system | 0.2 0.3 0.4
negotiated_counter | put_on_waiting_list | evaluated > waiting | responsible system | 0.1
negotiated_counter | record_delivery | accepted admissible annulled completed evaluated in_progress inadmissible lapsed negotiating not_receivable rejected revoked submitted unfunded waiting withdrawn > = | officer system | 0.1
negotiated_counter | record_delivery | negotiating > = | officer system | 0.2 0.3 0.4
negotiated_counter | record_publication | negotiating > = | officer | 0.1 0.2 0.3 0.4
negotiated_counter | register_draft | draft > = | intake system | 0.1
negotiated_counter | reject | evaluated > rejected | manager | 0.1
negotiated_counter | release_cor | negotiating > = | system | 0.3 0.4
negotiated_counter | release_notice | negotiating > = | responsible | 0.4
negotiated_counter | remind_term | negotiating > = | system | 0.4
negotiated_counter | renew_cor | negotiating > = | officer | 0.3 0.4
negotiated_counter | request_completion | submitted > = | responsible | 0.1
negotiated_counter | resume_term | negotiating > = | system | 0.3 0.4
negotiated_counter | return_plan | negotiating > = | responsible | 0.1 0.2 0.3 0.4
negotiated_counter | revoke | accepted completed in_progress > revoked | manager | 0.1
negotiated_counter | settle | in_progress > completed | manager | 0.1
negotiated_counter | sign_minutes | negotiating > = | responsible | 0.1 0.2 0.3 0.4
negotiated_counter | start | accepted > in_progress | intake | 0.1
negotiated_counter | start_review | submitted > = | officer | 0.1
negotiated_counter | submit | draft > submitted | intake system | 0.1
negotiated_counter | uphold_observations | evaluated submitted > = | responsible | 0.1
negotiated_counter | withdraw | accepted admissible evaluated in_progress negotiating submitted waiting > withdrawn | intake | 0.1
negotiated_counter | withdraw | negotiating > withdrawn | intake | 0.2 0.3 0.4
negotiated_counter | yield_reservation | admissible evaluated submitted > = | system | 0.1
plain_counter | accept | granted > accepted | intake | 0.2 0.3 0.4
plain_counter | annul | granted > annulled | manager | 0.2 0.3 0.4
plain_counter | confirm_cor | granted > = | officer | 0.2 0.3 0.4
plain_counter | dismiss_lapse | granted > = | manager | 0.2 0.3 0.4
plain_counter | escalate_term | granted > = | system | 0.3 0.4
plain_counter | expire_proposal | granted > = | system | 0.3 0.4
plain_counter | expire_term | granted > = | system | 0.3 0.4
plain_counter | extend_term | granted > = | manager | 0.3 0.4
plain_counter | grant | evaluated > granted | manager | 0.2 0.3 0.4
plain_counter | lapse | granted > lapsed | manager | 0.2 0.3 0.4
plain_counter | propose_lapse | granted > = | responsible system | 0.2 0.3 0.4
plain_counter | record_delivery | granted > = | officer system | 0.2 0.3 0.4
plain_counter | record_publication | granted > = | officer | 0.2 0.3 0.4
plain_counter | release_cor | granted > = | system | 0.3 0.4
plain_counter | release_notice | granted > = | responsible | 0.4
plain_counter | remind_term | granted > = | system | 0.4
plain_counter | renew_cor | granted > = | officer | 0.3 0.4
plain_counter | resume_term | granted > = | system | 0.3 0.4
plain_counter | revoke | granted > revoked | manager | 0.2 0.3 0.4
plain_counter | start | granted > in_progress | intake | 0.2 0.3 0.4
plain_counter | withdraw | granted > withdrawn | intake | 0.2 0.3 0.4
"""
